// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/convolution.h"

#include <algorithm>

#include "nn/tile_convolution.h"
#include "nn/winograd_convolution.h"

namespace ttfm::nn {

using at::Tensor;

bool takes_convolution(const Tensor& x, const Tensor& weight, int64_t stride, int64_t padding) {
  const auto images = [](const Tensor& a) {
    return a.is_cpu() && a.scalar_type() == at::kFloat && a.dim() == 4 && a.numel() > 0;
  };
  if (!images(x) || !images(weight) || x.size(1) != weight.size(1)) return false;
  const int64_t kernel = weight.size(2);
  return stride == 1 && kernel == weight.size(3) && kernel == 2 * padding + 1 &&
         (fills_tiles(x, weight.size(0)) || takes_winograd(x, weight.size(0), kernel));
}

Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return fills_tiles(x, weight.size(0)) ? convolve_tiles(x, weight, bias) : convolve_winograd(x, weight, bias);
}

Tensor convolve_gradient_of_x(const Tensor& g, const Tensor& weight) {
  return fills_tiles(g, weight.size(1)) ? convolve_tiles_gradient_of_x(g, weight)
                                        : convolve_winograd_gradient_of_x(g, weight);
}

Tensor convolve_gradient_of_weight(const Tensor& g, const Tensor& x, int64_t kernel) {
  return fills_tiles(x, g.size(1)) ? convolve_tiles_gradient_of_weight(g, x, kernel)
                                   : convolve_winograd_gradient_of_weight(g, x);
}

}  // namespace ttfm::nn
