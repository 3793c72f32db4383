// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/adamw.h"

namespace ttfm::kernels {
namespace {

template <Isa isa, bool with_16, bool with_average, bool with_average_16>
void update_of(const AdamWStretch& s, int64_t from, int64_t to) {
  using N = Number<isa>;
  float *const w = s.w, *const g = s.g, *const m = s.m, *const v = s.v, *const average = s.average;
  const float keep = 1.f - s.lr_decay, per_root = 1.f / s.root;
#pragma omp simd
  for (int64_t i = from; i < to; ++i) {
    const float gradient = s.scale * g[i];
    const float first = s.beta_1 * m[i] + s.rest_1 * gradient;
    const float second = s.beta_2 * v[i] + s.rest_2 * gradient * gradient;
    const float value = keep * w[i] - s.step * first / (__builtin_sqrtf(second) * per_root + s.eps);
    m[i] = first;
    v[i] = second;
    w[i] = value;
    g[i] = 0;
    if constexpr (with_16) N::store(s.w_16 + i, value);
    if constexpr (with_average) {
      const float mean = average[i] + s.average_weight * (value - average[i]);
      average[i] = mean;
      if constexpr (with_average_16) N::store(s.average_16 + i, mean);
    }
  }
}

}  // namespace

template <Isa isa>
void AdamWLoops<isa>::update(const AdamWStretch& s, int64_t from, int64_t to) {
  if (s.w_16 && s.average_16) return update_of<isa, true, true, true>(s, from, to);
  if (s.w_16 && s.average) return update_of<isa, true, true, false>(s, from, to);
  if (s.w_16) return update_of<isa, true, false, false>(s, from, to);
  if (s.average_16) return update_of<isa, false, true, true>(s, from, to);
  if (s.average) return update_of<isa, false, true, false>(s, from, to);
  update_of<isa, false, false, false>(s, from, to);
}

template <Isa isa>
void AdamWLoops<isa>::follow(const float* w, float* average, Bf16* average_16, float weight, int64_t from, int64_t to) {
#pragma omp simd
  for (int64_t i = from; i < to; ++i) average[i] += weight * (w[i] - average[i]);
  if (!average_16) return;
#pragma omp simd
  for (int64_t i = from; i < to; ++i) Number<isa>::store(average_16 + i, average[i]);
}

template <Isa isa>
double AdamWLoops<isa>::squares(const float* x, int64_t from, int64_t to) {
  constexpr int64_t kBlock = 4096;  // floats hold the sum of so many without losing digits
  double total = 0;
  for (int64_t start = from; start < to; start += kBlock) {
    const int64_t end = start + kBlock < to ? start + kBlock : to;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = start; i < end; ++i) sum += x[i] * x[i];
    total += static_cast<double>(sum);
  }
  return total;
}

template struct AdamWLoops<Isa::TTFM_ISA>;

}  // namespace ttfm::kernels
