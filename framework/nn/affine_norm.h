// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/dual.h>

/// Norms with an affine part, by LibTorch's operations: for any device and type, and differentiable twice in the plain
/// form.
namespace ttfm::nn {

/// xhat scale + shift along the last dimension of x [B, ..., C]; scale and shift [C], [B, C] or of x's rank, or both
/// undefined.
Tensor affine_layer_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps);
Dual affine_layer_norm(const Dual& x, const Dual& scale, const Dual& shift,
                       double eps);  ///< the same, with its derivative

/// xhat scale + shift over groups of the channels of x [B, C, ...], then silu if wanted; scale and shift [C] or [B, C].
Tensor affine_group_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, int64_t groups, double eps,
                         bool with_silu);
/// The same, with its derivative.
Dual affine_group_norm(const Dual& x, const Dual& scale, const Dual& shift, int64_t groups, double eps, bool with_silu);

}  // namespace ttfm::nn
