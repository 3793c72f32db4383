// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Convolutions of fp32 images in host memory that loops of ttfm compute: by the processor's matrix units
/// (tile_convolution.h), or with its vectors by Winograd's method (winograd_convolution.h). Results are channels last.
namespace ttfm::nn {

/// Whether they are the fastest way for x [B, C, H, W] and weight [O, C, k, k]: the processor supports one of them; stride is
/// 1 and the result has the size of x; and there are enough channels to be worth it.
bool takes_convolution(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding);

/// `bias` [O] or undefined. For what takes_convolution(), like all here.
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

/// The gradients of x and of weight from g, that of the result.
at::Tensor convolve_gradient_of_x(const at::Tensor& g, const at::Tensor& weight);
at::Tensor convolve_gradient_of_weight(const at::Tensor& g, const at::Tensor& x, int64_t kernel);

}  // namespace ttfm::nn
