// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/add.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

#include <ttfm/error.h>
#include <ttfm/nn/dual.h>

#include "nn/dual_buffer.h"

namespace ttfm {
namespace {

/// A tangent whose primal was broadcast follows it.
Tensor like_primal(const Tensor& tangent, const Tensor& primal) {
  return tangent.defined() && tangent.sizes() != primal.sizes() ? tangent.expand(primal.sizes()) : tangent;
}

/// sum + a b, where an undefined tensor is zero.
Tensor add_product(const Tensor& sum, const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return sum;
  return sum.defined() ? at::addcmul(sum, a, b) : a * b;
}

Tensor total(const Tensor& a, const Tensor& b) {
  if (!a.defined()) return b;
  return b.defined() ? a + b : a;
}

Tensor negative(const Tensor& a) { return a.defined() ? -a : a; }

Dual sum(Tensor primal, const Tensor& tangent) {
  Tensor shaped = like_primal(tangent, primal);
  return {std::move(primal), std::move(shaped)};
}

}  // namespace

Dual operator+(const Dual& a, const Dual& b) {
  const bool alike = a.tangent.defined() && b.tangent.defined() && a.primal.sizes() == b.primal.sizes();
  if (alike && a.primal.dim() > 1) return nn::recorded_split(nn::recorded_join(a) + nn::recorded_join(b));
  return sum(a.primal + b.primal, total(a.tangent, b.tangent));
}
Dual operator+(const Dual& a, const Tensor& b) { return sum(a.primal + b, a.tangent); }
Dual operator+(const Tensor& a, const Dual& b) { return sum(a + b.primal, b.tangent); }
Dual operator+(const Dual& a, double b) { return {a.primal + b, a.tangent}; }
Dual operator+(double a, const Dual& b) { return b + a; }

Dual operator-(const Dual& a, const Dual& b) {
  const Tensor difference =
      a.tangent.defined() && b.tangent.defined() ? a.tangent - b.tangent : total(a.tangent, negative(b.tangent));
  return sum(a.primal - b.primal, difference);
}
Dual operator-(const Dual& a, const Tensor& b) { return sum(a.primal - b, a.tangent); }
Dual operator-(const Tensor& a, const Dual& b) { return sum(a - b.primal, negative(b.tangent)); }
Dual operator-(const Dual& a, double b) { return {a.primal - b, a.tangent}; }
Dual operator-(double a, const Dual& b) { return {a - b.primal, negative(b.tangent)}; }
Dual operator-(const Dual& a) { return {-a.primal, negative(a.tangent)}; }

Dual operator*(const Dual& a, const Dual& b) {
  return sum(a.primal * b.primal, add_product(add_product({}, a.tangent, b.primal), a.primal, b.tangent));
}
Dual operator*(const Dual& a, const Tensor& b) { return {a.primal * b, add_product({}, a.tangent, b)}; }
Dual operator*(const Tensor& a, const Dual& b) { return b * a; }
Dual operator*(const Dual& a, double b) { return {a.primal * b, a.tangent.defined() ? a.tangent * b : Tensor()}; }
Dual operator*(double a, const Dual& b) { return b * a; }

namespace nn {

Tensor tangent_or_zeros(const Dual& x) { return x.tangent.defined() ? x.tangent : at::zeros_like(x.primal); }

Tensor add_gated(const Tensor& x, const Tensor& gate, const Tensor& y) { return at::addcmul(x, gate, y); }

Dual add_gated(const Dual& x, const Dual& gate, const Dual& y) {
  const Tensor tangent = add_product(add_product(x.tangent, gate.primal, y.tangent), gate.tangent, y.primal);
  return sum(at::addcmul(x.primal, gate.primal, y.primal), tangent);
}

Tensor cat(std::span<const Tensor> values, int64_t dim) {
  return at::cat(at::TensorList(values.data(), values.size()), dim);
}

Dual cat(std::span<const Dual> values, int64_t dim) {
  std::vector<Tensor> parts;
  if (std::ranges::none_of(values, [](const Dual& value) { return value.tangent.defined(); })) {
    for (const Dual& value : values) parts.push_back(value.primal);
    return {at::cat(parts, dim), {}};
  }
  const bool by_rows =
      dim == 0 || dim == -values[0].primal.dim();  // then the halves of the parts are not those of the whole
  if (by_rows) {
    std::vector<Tensor> tangents;
    for (const Dual& value : values) {
      parts.push_back(value.primal);
      tangents.push_back(tangent_or_zeros(value));
    }
    return {at::cat(parts, dim), at::cat(tangents, dim)};
  }
  for (const Dual& value : values) parts.push_back(recorded_join({value.primal, tangent_or_zeros(value)}));
  return recorded_split(at::cat(parts, dim));
}

namespace detail {

Tensor pad_image(const Tensor& x, int64_t height, int64_t width) {
  if (x.size(-2) == height && x.size(-1) == width) return x;
  if (x.size(-2) > height || x.size(-1) > width) {
    std::ostringstream text;
    text << "nn::pad_image: an image of shape " << x.sizes() << " cannot be padded to " << height << " x " << width;
    throw Error(ErrorKind::internal, text.str());
  }
  return at::constant_pad_nd(x, {0, width - x.size(-1), 0, height - x.size(-2)});
}

Tensor widen(const Tensor& x) {
  return x.scalar_type() == at::kBFloat16 || x.scalar_type() == at::kHalf ? x.to(at::kFloat) : x;
}

std::vector<Tensor> chunk(const Tensor& x, size_t parts, int64_t dim) {
  const int64_t count = static_cast<int64_t>(parts);
  if (x.size(dim) % count == 0) return x.chunk(count, dim);  // their gradients are put together at once
  std::ostringstream text;
  text << "nn::chunk: dimension " << dim << " of a tensor of shape " << x.sizes() << " is no multiple of " << parts;
  throw Error(ErrorKind::internal, text.str());
}

}  // namespace detail
}  // namespace nn
}  // namespace ttfm
