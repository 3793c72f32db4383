// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/dual.h>

/// The products of layers with their weights, for use inside autograd functions: nothing here is recorded. A dual is
/// multiplied as one matrix or batch of twice the rows, without a copy where its halves lie side by side.
namespace ttfm::nn {

struct Product {
  enum class Kind : uint8_t { none, linear, conv2d };
  Kind kind = Kind::none;
  int64_t stride = 1, padding = 0;  ///< of conv2d
};

/// W p + bias and W t. `bias` may be undefined.
Dual multiply(const Product& product, const Dual& x, const Tensor& weight, const Tensor& bias);

/// The gradient of multiply()'s x from that of its result. Of `x` the shape and the layout are looked at.
Dual input_gradient(const Product& product, const Dual& g, const Tensor& weight, const Dual& x);

/// The gradient of W.
Tensor weight_gradient(const Product& product, const Dual& g, const Dual& x, const Tensor& weight);

/// The gradient of the bias.
Tensor bias_gradient(const Product& product, const Dual& g);

}  // namespace ttfm::nn
