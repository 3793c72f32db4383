// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>

#include <ttfm/parallel.h>

#include "kernels/bf16.h"
#include "nn/dual_buffer.h"
#include "nn/loops.h"

/// What the functions of loops.h share: tensors as the pointers, types and shares of threads that loops take.
namespace ttfm::nn::loop {

using kernels::Bf16;

inline const c10::ArrayRef<const c10::IValue> kNothing;  // of what a profiler is told

inline bool is_number(at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; }

template <class T>
const T* in(const Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}
template <class T>
T* out_of(const Tensor& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}
inline const float* numbers(const Tensor& x) { return in<float>(x); }
inline float* results(const Tensor& x) { return out_of<float>(x); }

/// f(float()) or f(Bf16()).
template <class F>
void with_type(at::ScalarType type, F&& f) {
  if (type == at::kBFloat16)
    f(Bf16());
  else
    f(float());
}

/// The type pairs that a row can come in and leave with: (float, float), (float, Bf16), (Bf16, Bf16).
template <class F>
void with_types(at::ScalarType x, at::ScalarType y, F&& f) {
  if (x == at::kBFloat16)
    f(Bf16(), Bf16());
  else if (y == at::kBFloat16)
    f(float(), Bf16());
  else
    f(float(), float());
}

/// Memory for images of the size of x with so many channels, channels last. To be asked for before that for operands: what
/// is freed first should have come last, or it leaves gaps between what a step keeps.
inline Tensor images_like(const Tensor& x, int64_t channels) {
  return at::empty({x.size(0), channels, x.size(2), x.size(3)}, x.options(), at::MemoryFormat::ChannelsLast);
}

/// A new value in the shape of x, with or without a tangent.
inline Dual empty_value(const Tensor& x, bool dual, at::ScalarType type) {
  return empty_dual(x.sizes(), x.options().dtype(type), dual, x.suggest_memory_format());
}
inline Dual empty_value(const Dual& x) { return empty_value(x.primal, x.tangent.defined(), x.primal.scalar_type()); }

inline Tensor rows_for(const Tensor& parameter, int64_t samples, int64_t columns) {
  return parameter.defined() ? at::zeros({samples, columns}, parameter.options()) : Tensor();
}

/// The sum over samples where the parameter is shared by them.
inline Tensor gathered(const Tensor& rows, const Tensor& parameter) {
  if (!rows.defined()) return {};
  return rows.sizes() == parameter.sizes() ? rows : rows.sum_to_size(parameter.sizes());
}

/// The distance between the samples of a parameter [B, C], 0 for [C].
inline int64_t stride_of(const Tensor& parameter) {
  return parameter.defined() && parameter.dim() > 1 && parameter.size(0) > 1 ? parameter.stride(0) : 0;
}

/// An affine part whose rows lie `stride` apart.
struct Aligned {
  Affine affine;
  int64_t stride;
};

inline Aligned aligned(const Affine& given, const Tensor& x, int64_t columns) {
  if (!given.a.defined()) return {given, 0};
  Affine p = given;
  const auto rows = [&](Tensor& each) {
    if (!each.defined()) return;
    each = (each.dim() > 1 && each.size(0) == x.size(0) ? each : each.expand({x.size(0), columns})).contiguous();
  };
  const int64_t stride = stride_of(p.a);
  const bool alike =
      stride_of(p.b) == stride && (!p.da.defined() || (stride_of(p.da) == stride && stride_of(p.db) == stride));
  if (alike && p.a.stride(-1) == 1 && p.b.stride(-1) == 1) return {p, stride};
  rows(p.a);
  rows(p.b);
  rows(p.da);
  rows(p.db);
  return {p, columns};
}

constexpr int64_t kWorthAThread = 1 << 15;  // numbers

/// f(from, to) for the samples of x, shared among threads.
template <class F>
void over_samples(const Tensor& x, F&& f) {
  const int64_t samples = x.size(0);
  parallel_for(0, samples, std::max<int64_t>(1, kWorthAThread * samples / x.numel()), f);
}

template <class Norm>
void take_affine(Norm& norm, const Aligned& p) {
  norm.a = numbers(p.affine.a);
  norm.b = numbers(p.affine.b);
  norm.da = numbers(p.affine.da);
  norm.db = numbers(p.affine.db);
  norm.stride = p.stride;
}

template <class Norm>
void give_sums(Norm& norm, const AffineGradients& sums) {
  norm.g_a = results(sums.a);
  norm.g_b = results(sums.b);
  norm.g_da = results(sums.da);
  norm.g_db = results(sums.db);
}

/// Of an affine part, a row for each sample.
inline AffineGradients empty_sums(const Affine& affine, int64_t samples, int64_t columns) {
  return {rows_for(affine.a, samples, columns), rows_for(affine.b, samples, columns),
          rows_for(affine.da, samples, columns), rows_for(affine.db, samples, columns)};
}

/// In the shape of what they belong to.
inline AffineGradients gathered(const AffineGradients& sums, const Affine& affine) {
  return {gathered(sums.a, affine.a), gathered(sums.b, affine.b), gathered(sums.da, affine.da),
          gathered(sums.db, affine.db)};
}

}  // namespace ttfm::nn::loop
