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

std::tuple<Tensor, Tensor, Tensor> convolve_backward(const Product& product, const Tensor& g, const Tensor& x,
                                                     const Tensor& weight, std::array<bool, 3> wanted) {
  return at::convolution_backward(g, x, weight, at::OptionalIntArrayRef(), {product.stride, product.stride},
                                  {product.padding, product.padding}, {1, 1}, /*transposed=*/false, {0, 0},
                                  /*groups=*/1, wanted);
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

Dual input_gradient(const Product& product, const Dual& g, const Tensor& weight, const Dual& x) {
  if (product.kind == Product::Kind::linear) return times(g, weight);
  const Tensor of_x = std::get<0>(convolve_backward(product, stacked(g), stacked(x), weight, {true, false, false}));
  return unstacked(of_x, g.tangent.defined());
}

Tensor weight_gradient(const Product& product, const Dual& g, const Dual& x, const Tensor& weight) {
  if (product.kind == Product::Kind::conv2d) {
    return std::get<1>(convolve_backward(product, stacked(g), stacked(x), weight, {false, true, false}));
  }
  if (!x.tangent.defined()) return at::mm(rows_of(g.primal).t(), rows_of(x.primal));
  const auto inputs = joined_view(x.primal, x.tangent), outputs = joined_view(g.primal, g.tangent);
  if (inputs && outputs) return at::mm(rows_of(*outputs).t(), rows_of(*inputs));
  return at::mm(rows_of(g.primal).t(), rows_of(x.primal)).addmm_(rows_of(g.tangent).t(), rows_of(x.tangent));
}

Tensor bias_gradient(const Product& product, const Dual& g) {
  return product.kind == Product::Kind::linear ? rows_of(g.primal).sum(0) : g.primal.sum({0, 2, 3});
}

}  // namespace ttfm::nn
