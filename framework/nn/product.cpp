// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/product.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/mm.h>

#include <tuple>

#include "nn/dual_buffer.h"

namespace ttfm::nn {
namespace {

Tensor rows_of(const Tensor& x) { return x.reshape({-1, x.size(-1)}); }

/// x m along the last dimension.
Dual times(const Dual& x, const Tensor& m) {
  auto shape = x.primal.sizes().vec();
  shape.back() = m.size(1);
  if (!x.tangent.defined()) return {at::mm(rows_of(x.primal), m).view(shape), {}};
  Halves out = empty_halves(x.primal.new_empty({}).expand(shape));
  if (const auto both = joined_view(x.primal, x.tangent)) {
    Tensor rows = rows_of(out.both);
    at::mm_out(rows, rows_of(*both), m);
  } else {
    Tensor first = rows_of(out.primal), second = rows_of(out.tangent);
    at::mm_out(first, rows_of(x.primal), m);
    at::mm_out(second, rows_of(x.tangent), m);
  }
  return {out.primal, out.tangent};
}

/// [p; t] or p alone.
Tensor stacked(const Dual& x) { return x.tangent.defined() ? joined(x.primal, x.tangent) : x.primal; }

Dual unstacked(const Tensor& x, bool dual) {
  if (!dual) return {x, {}};
  const Halves halves = split(x);
  return {halves.primal, halves.tangent};
}

Tensor convolve(const Product& product, const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  return at::convolution(x, weight, bias, {product.stride, product.stride}, {product.padding, product.padding}, {1, 1},
                         /*transposed=*/false, {0, 0}, /*groups=*/1);
}

ProductGradients convolve_backward(const Product& product, const Dual& g, const Dual& x, const Tensor& weight,
                                   Wanted wanted) {
  const bool dual = g.tangent.defined();
  ProductGradients out;
  Tensor of_x;
  // the bias belongs to the primal alone
  std::tie(of_x, out.weight, out.bias) = at::convolution_backward(
      stacked(g), stacked(x), weight, at::IntArrayRef{weight.size(0)}, {product.stride, product.stride},
      {product.padding, product.padding}, {1, 1}, /*transposed=*/false, {0, 0},
      /*groups=*/1, {wanted.x, wanted.weight, wanted.bias && !dual});
  if (wanted.x) out.x = unstacked(of_x, dual);
  if (wanted.bias && dual) out.bias = g.primal.sum({0, 2, 3});
  return out;
}

Tensor weight_gradient(const Dual& g, const Dual& x) {
  if (!x.tangent.defined()) return at::mm(rows_of(g.primal).t(), rows_of(x.primal));
  const auto inputs = joined_view(x.primal, x.tangent), outputs = joined_view(g.primal, g.tangent);
  if (inputs && outputs) return at::mm(rows_of(*outputs).t(), rows_of(*inputs));
  return at::mm(rows_of(g.primal).t(), rows_of(x.primal)).addmm_(rows_of(g.tangent).t(), rows_of(x.tangent));
}

}  // namespace

Dual multiply(const Product& product, const Dual& x, const Tensor& weight, const Tensor& bias) {
  if (product.kind == Product::Kind::linear) {
    if (!x.tangent.defined() && bias.defined()) {
      auto shape = x.primal.sizes().vec();
      shape.back() = weight.size(0);
      return {at::addmm(bias, rows_of(x.primal), weight.t()).view(shape), {}};
    }
    const Dual y = times(x, weight.t());
    if (bias.defined()) y.primal.add_(bias);
    return y;
  }
  if (!x.tangent.defined()) return {convolve(product, x.primal, weight, given(bias)), {}};
  const Dual y = unstacked(convolve(product, stacked(x), weight, std::nullopt), true);
  if (bias.defined()) y.primal.add_(bias.view({1, -1, 1, 1}));
  return y;
}

ProductGradients multiply_backward(const Product& product, const Dual& g, const Dual& x, const Tensor& weight,
                                   Wanted wanted) {
  if (product.kind == Product::Kind::conv2d) return convolve_backward(product, g, x, weight, wanted);
  ProductGradients out;
  if (wanted.x) out.x = times(g, weight);
  if (wanted.weight) out.weight = weight_gradient(g, x);
  if (wanted.bias) out.bias = rows_of(g.primal).sum(0);
  return out;
}

}  // namespace ttfm::nn
