// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/dual.h>
#include <ttfm/nn/module.h>

namespace ttfm::nn {

/// Two-dimensional convolution with a square kernel: x [B, in, H, W], y [B, out, H', W'],
/// H' = (H + 2 padding - kernel) / stride + 1, rounded down.
struct Conv2d {
  struct Shape {
    int64_t kernel = 3;
    int64_t stride = 1;
    int64_t padding = 1;
  };

  Tensor weight;  ///< [out, in, kernel, kernel]
  Tensor bias;    ///< [out]
  Shape shape;
  Init weight_init;
  Init bias_init;

  /// Starts as PyTorch's Conv2d, U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for both.
  Conv2d(int64_t in, int64_t out, Shape form);
  Conv2d(int64_t in, int64_t out, Shape form, Init weight_start, Init bias_start = Init::zeros());

  void parameters(const Scope& scope);  ///< "weight", "bias"
  Tensor operator()(const Tensor& x) const;
  Dual operator()(const Dual& x) const;
};

}  // namespace ttfm::nn
