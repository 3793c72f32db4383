// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/dual.h>
#include <ttfm/nn/module.h>
#include <ttfm/nn/pending.h>

namespace ttfm::nn {

/// Two-dimensional convolution with a square kernel: x [B, in, H, W], y [B, out, H', W'],
/// H' = (H + 2 padding - kernel) / stride + 1, rounded down.
struct Conv2d {
  /// Of the kernel; as it is, a 3 x 3 convolution that keeps the size.
  struct Shape {
    int64_t kernel = 3;   ///< side of the square, in pixels
    int64_t stride = 1;   ///< from one position to the next
    int64_t padding = 1;  ///< zeros on every side
  };

  Tensor weight;     ///< [out, in, kernel, kernel]
  Tensor bias;       ///< [out]
  Shape shape;       ///< as given
  Init weight_init;  ///< how `weight` starts
  Init bias_init;    ///< how `bias` starts

  /// Starts as PyTorch's Conv2d, U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for both.
  Conv2d(int64_t in, int64_t out, Shape form);
  /// Starts as given.
  Conv2d(int64_t in, int64_t out, Shape form, Init weight_start, Init bias_start = Init::zeros());

  void parameters(const Scope& scope);       ///< "weight", "bias"
  Tensor operator()(const Tensor& x) const;  ///< y
  Dual operator()(const Dual& x) const;      ///< the same, with its derivative
  template <Value V>
  V operator()(const Pending<V>& x) const;  ///< y of a norm or an activation, in one with it
};

/// Images [B, C, H, W] in the layout that convolutions and norms are fastest in: channels side by side in host memory, as
/// they are on other devices. What is made of them keeps it.
Tensor laid_out_for_convolutions(const Tensor& x);
Dual laid_out_for_convolutions(const Dual& x);  ///< the same, with its derivative

}  // namespace ttfm::nn
