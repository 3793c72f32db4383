// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/TensorOperators.h>

#include <initializer_list>

#include <ttfm/conformance/numbers.h>
#include <ttfm/dual.h>

/// Random arguments for layers, in double.
namespace ttfm::test {

inline Tensor normal(uint64_t seed, at::IntArrayRef shape) {
  return conformance::stream(seed, at::kDouble).normal(shape);
}

inline Dual normal_dual(uint64_t seed, at::IntArrayRef shape) {
  return {normal(seed, shape), normal(seed + 500, shape)};
}

/// The same with undefined tangent.
inline Dual constant_dual(uint64_t seed, at::IntArrayRef shape) { return {normal(seed, shape), {}}; }

/// Primal and tangent as the halves of one tensor, as dual layers leave them.
inline Dual halves_dual(uint64_t seed, at::IntArrayRef shape) {
  auto both = shape.vec();
  both[0] *= 2;
  const Tensor x = normal(seed, both);
  return {x.narrow(0, 0, shape[0]), x.narrow(0, shape[0], shape[0])};
}

/// A value whose last two dimensions are swapped in memory; the tangent's are not.
inline Dual strided_dual(uint64_t seed, at::IntArrayRef shape) {
  auto swapped = shape.vec();
  std::swap(swapped[swapped.size() - 1], swapped[swapped.size() - 2]);
  return {normal(seed, swapped).transpose(-1, -2), normal(seed + 500, shape)};
}

/// New values for weights, in double.
inline void set_normal(uint64_t seed, std::initializer_list<Tensor*> weights) {
  for (Tensor* weight : weights) *weight = normal(seed++, weight->sizes()) * 0.5;
}

}  // namespace ttfm::test
