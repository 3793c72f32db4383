// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Convolutions of fp32 images in host memory with kernels of 3x3 by Winograd's method (kernels/winograd.h) and the
/// processor's vectors (kernels/panels.h): the images are taken to 16 points, there multiplied with the weights, and taken
/// back, some patches at a time that stay in a core's cache. Results are channels last.
namespace ttfm::nn {

/// Whether there are vectors to write products for, and it is the least work for x [B, C, H, W], a result of so many
/// channels and a kernel of that side: it is not for few channels, nor for small images, where a kernel meets many zeros.
bool takes_winograd(const at::Tensor& x, int64_t out_channels, int64_t kernel);

/// What convolution.h computes, for what takes_winograd().
at::Tensor convolve_winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
at::Tensor convolve_winograd_gradient_of_x(const at::Tensor& g, const at::Tensor& weight);
at::Tensor convolve_winograd_gradient_of_weight(const at::Tensor& g, const at::Tensor& x);

}  // namespace ttfm::nn
