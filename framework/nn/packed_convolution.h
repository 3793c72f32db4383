// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Convolutions of fp32 images in host memory by the way that is the fastest for them: the processor's matrix units
/// (tile_convolution.h), Winograd's method (winograd_convolution.h), or products of the processor's vectors
/// (kernels/panels.h), one for each place of the kernel, with the pixels that it meets there. Results are channels last.
namespace ttfm::nn {

/// Whether this is the fastest way for x [B, C, H, W] and weight [O, C, k, k]: the processor supports it; stride is 1 and
/// the result has the size of x; and there are enough channels to be worth it.
bool takes_packed_convolution(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding);

/// `bias` [O] or undefined.
at::Tensor convolve_packed(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// The gradients of x and of weight from g, that of the result.
at::Tensor convolve_packed_gradient_of_x(const at::Tensor& g, const at::Tensor& weight);
at::Tensor convolve_packed_gradient_of_weight(const at::Tensor& g, const at::Tensor& x, int64_t kernel);

}  // namespace ttfm::nn
