// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/dual.h>

#include "nn/loops.h"

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

/// Of what multiply() took; undefined where it was not wanted.
struct ProductGradients {
  Dual x;
  Tensor weight, bias;
};

struct Wanted {
  bool x, weight, bias;
};

/// The gradients from `g`, that of multiply()'s result. Unless the weight's is wanted, of x only shape and layout are
/// looked at.
ProductGradients multiply_backward(const Product& product, const Dual& g, const Dual& x, const Tensor& weight,
                                   Wanted wanted);

/// Whether a linear product of that type with so many rows as x has is computed in blocks of rows.
bool takes_blocks(const Tensor& x, const Tensor& weight, const Tensor& bias, at::ScalarType type);

/// W f and W df, and the bias to the first, each block of f's rows multiplied while it is in a core's cache; W has f's
/// type, bias is float. For what takes_blocks().
Dual multiply(const RowFunction& f, const Tensor& weight, const Tensor& bias);

struct RowProductGradients {
  NormGradients arguments;  ///< of f
  Tensor weight, bias;      ///< undefined where they were not wanted
};

/// The gradients from that of the result, g: of f's arguments whether wanted.x or not.
RowProductGradients multiply_backward(const RowGradient& f, const Dual& g, const Tensor& weight, Wanted wanted);

}  // namespace ttfm::nn
