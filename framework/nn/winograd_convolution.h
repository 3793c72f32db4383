// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Convolutions of fp32 images in host memory with kernels of 3x3 by Winograd's method (kernels/winograd.h) and the
/// processor's vectors (kernels/panels.h): the images are taken to 16 points, there multiplied with the weights, and taken
/// back, some patches at a time that stay in a core's cache. Results are channels last.
namespace ttfm::nn {

/// Whether it is the least work for x [B, C, H, W] or g and a kernel of that side: in smaller images a kernel meets many zeros,
/// which the panels leave out.
inline bool takes_winograd(const at::Tensor& x, int64_t kernel) {
  return kernel == 3 && x.size(2) >= 4 && x.size(3) >= 4;
}

/// What packed_convolution.h computes, for what takes_winograd().
at::Tensor convolve_winograd(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
at::Tensor convolve_winograd_gradient_of_x(const at::Tensor& g, const at::Tensor& weight);
at::Tensor convolve_winograd_gradient_of_weight(const at::Tensor& g, const at::Tensor& x);

}  // namespace ttfm::nn
