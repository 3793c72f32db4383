// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Convolutions of fp32 images in host memory by the processor's matrix units, see kernels/tiles.h: sums of products, one
/// for each place of the kernel, with the rows of pixels that it meets there. Results are channels last.
namespace ttfm::nn {

/// Whether there are such units, and x [B, C, H, W] and a result of so many channels fill them.
bool fills_tiles(const at::Tensor& x, int64_t out_channels);

/// What convolution.h computes, for what fills_tiles().
at::Tensor convolve_tiles(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);
at::Tensor convolve_tiles_gradient_of_x(const at::Tensor& g, const at::Tensor& weight);
at::Tensor convolve_tiles_gradient_of_weight(const at::Tensor& g, const at::Tensor& x, int64_t kernel);

}  // namespace ttfm::nn
