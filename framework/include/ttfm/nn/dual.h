// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <span>
#include <utility>
#include <vector>

#include <ttfm/dual.h>

/// Arithmetic of values with a derivative, and the operations that only move numbers about.
///
/// A network is written once, as a template over its value type V: Tensor, or Dual when its derivative along a direction
/// is wanted too. Every function here takes both. Call them qualified (nn::silu): some have namesakes in LibTorch.
/// The gradient of any function of a Dual result's primal and tangent is right in inputs and weights; forward-mode
/// differentiation of LibTorch is not used.
namespace ttfm {

// In ttfm rather than ttfm::nn, so that argument-dependent lookup finds them. Shapes broadcast; (ab)' = a'b + ab'.
Dual operator+(const Dual& a, const Dual& b);    ///< a + b
Dual operator+(const Dual& a, const Tensor& b);  ///< a + b, b constant
Dual operator+(const Tensor& a, const Dual& b);  ///< a + b, a constant
Dual operator+(const Dual& a, double b);         ///< a + b, b constant
Dual operator+(double a, const Dual& b);         ///< a + b, a constant
Dual operator-(const Dual& a, const Dual& b);    ///< a - b
Dual operator-(const Dual& a, const Tensor& b);  ///< a - b, b constant
Dual operator-(const Tensor& a, const Dual& b);  ///< a - b, a constant
Dual operator-(const Dual& a, double b);         ///< a - b, b constant
Dual operator-(double a, const Dual& b);         ///< a - b, a constant
Dual operator-(const Dual& a);                   ///< -a
Dual operator*(const Dual& a, const Dual& b);    ///< a b
Dual operator*(const Dual& a, const Tensor& b);  ///< a b, b constant
Dual operator*(const Tensor& a, const Dual& b);  ///< a b, a constant
Dual operator*(const Dual& a, double b);         ///< a b, b constant
Dual operator*(double a, const Dual& b);         ///< a b, a constant

namespace nn {

/// What a network computes with.
template <class V>
concept Value = std::same_as<V, Tensor> || std::same_as<V, Dual>;

inline const Tensor& primal(const Tensor& x) { return x; }       ///< x itself
inline const Tensor& primal(const Dual& x) { return x.primal; }  ///< its value

/// The tangent, zeros where it is undefined.
Tensor tangent_or_zeros(const Dual& x);

/// f(x) for a function f of tensors that is linear in x (and costs no constant term): f maps the tangent too.
template <class F>
Tensor linear_map(const Tensor& x, F&& f) {
  return f(x);
}
/// The same for a dual.
template <class F>
Dual linear_map(const Dual& x, F&& f) {
  return {f(x.primal), x.tangent.defined() ? f(x.tangent) : Tensor()};
}

/// x + gate * y, broadcasting gate and y against x: a gated residual.
Tensor add_gated(const Tensor& x, const Tensor& gate, const Tensor& y);
Dual add_gated(const Dual& x, const Dual& gate, const Dual& y);  ///< the same, with its derivative

/// The given values one after the other along `dim`. An undefined tangent among defined ones counts as zeros.
Tensor cat(std::span<const Tensor> values, int64_t dim);
Dual cat(std::span<const Dual> values, int64_t dim);  ///< the same, with its derivative
/// The same for two values.
template <Value V>
V cat(const V& a, const V& b, int64_t dim) {
  const V both[] = {a, b};
  return cat(std::span<const V>(both), dim);
}

/// The same numbers in another shape, as Tensor::reshape.
template <Value V>
V reshape(const V& x, at::IntArrayRef shape) {
  return linear_map(x, [&](const Tensor& a) { return a.reshape(shape); });
}

/// The dimensions in another order, as Tensor::permute.
template <Value V>
V permute(const V& x, at::IntArrayRef dims) {
  return linear_map(x, [&](const Tensor& a) { return a.permute(dims); });
}

/// Dimensions `a` and `b` exchanged.
template <Value V>
V transpose(const V& x, int64_t a, int64_t b) {
  return linear_map(x, [&](const Tensor& y) { return y.transpose(a, b); });
}

/// A new dimension of size 1 at `dim`.
template <Value V>
V unsqueeze(const V& x, int64_t dim) {
  return linear_map(x, [&](const Tensor& a) { return a.unsqueeze(dim); });
}

/// The dimensions `from` to `to` (with it) as one.
template <Value V>
V flatten(const V& x, int64_t from, int64_t to = -1) {
  return linear_map(x, [&](const Tensor& a) { return a.flatten(from, to); });
}

/// `x` along `dim` from `start`, `length` long.
template <Value V>
V narrow(const V& x, int64_t dim, int64_t start, int64_t length) {
  return linear_map(x, [&](const Tensor& a) { return a.narrow(dim, start, length); });
}

/// Numbers of 16 bits as fp32, others as they are. What modulates a norm or a gate is read in fp32: widened before it is
/// taken apart, it is converted once.
template <Value V>
V widen(const V& x);

/// N equal parts of `x` along `dim`, as an array for structured bindings: auto [shift, scale] = chunk<2>(m, 1).
/// Throws when the size is not a multiple of N. The parts are views, not to be changed in place.
template <size_t N, Value V>
std::array<V, N> chunk(const V& x, int64_t dim);

/// Images [B, C, H, W] padded with zeros below and on the right to the given size (at least their own).
template <Value V>
V pad_image(const V& x, int64_t height, int64_t width);

/// The upper left part of images [B, C, H, W].
template <Value V>
V crop_image(const V& x, int64_t height, int64_t width) {
  return linear_map(x, [&](const Tensor& a) { return a.narrow(2, 0, height).narrow(3, 0, width); });
}

namespace detail {
Tensor pad_image(const Tensor& x, int64_t height, int64_t width);
Tensor widen(const Tensor& x);
std::vector<Tensor> chunk(const Tensor& x, size_t parts, int64_t dim);  ///< throws unless `parts` divides the size
}  // namespace detail

template <size_t N, Value V>
std::array<V, N> chunk(const V& x, int64_t dim) {
  std::array<V, N> parts;
  const std::vector<Tensor> primals = detail::chunk(primal(x), N, dim);
  if constexpr (std::same_as<V, Tensor>) {
    std::copy(primals.begin(), primals.end(), parts.begin());
  } else {
    const std::vector<Tensor> tangents =
        x.tangent.defined() ? detail::chunk(x.tangent, N, dim) : std::vector<Tensor>(N);
    for (size_t i = 0; i < N; ++i) parts[i] = {primals[i], tangents[i]};
  }
  return parts;
}

template <Value V>
V widen(const V& x) {
  return linear_map(x, [](const Tensor& a) { return detail::widen(a); });
}

template <Value V>
V pad_image(const V& x, int64_t height, int64_t width) {
  return linear_map(x, [&](const Tensor& a) { return detail::pad_image(a, height, width); });
}

}  // namespace nn
}  // namespace ttfm
