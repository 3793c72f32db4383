// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/heads.h"

namespace ttfm::kernels {
namespace {

/// Asks for the row some rows on: the rows of a head lie so far apart that the processor does not expect them.
template <bool for_writing, class T>
[[gnu::always_inline]] inline void prefetch(const T* row, int64_t stride, int64_t left, int64_t columns) {
  constexpr int64_t kAhead = 8, kLine = 64 / sizeof(T);
  for (int64_t c = 0; c < columns && left > kAhead; c += kLine)
    __builtin_prefetch(row + kAhead * stride + c, for_writing);
}

}  // namespace

template <Isa isa>
template <class T>
void HeadLoops<isa>::gather(const T* from, int64_t from_stride, const float* bias, float scale, T* to,
                            int64_t to_stride, int64_t rows, int64_t columns) {
  using N = Number<isa>;
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    prefetch<false>(from, from_stride, rows - row, columns);
    if (bias) {
#pragma omp simd
      for (int64_t c = 0; c < columns; ++c) N::store(to + c, scale * (N::load(from + c) + bias[c]));
    } else {
#pragma omp simd
      for (int64_t c = 0; c < columns; ++c) N::store(to + c, scale * N::load(from + c));
    }
  }
}

template <Isa isa>
template <class T>
void HeadLoops<isa>::scatter(const float* from, int64_t from_stride, float scale, T* to, int64_t to_stride, float* sum,
                             int64_t rows, int64_t columns) {
  using N = Number<isa>;
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    prefetch<true>(to, to_stride, rows - row, columns);
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) N::store(to + c, scale * from[c]);
    if (!sum) continue;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) sum[c] += scale * from[c];
  }
}

template <Isa isa>
template <class T>
void HeadLoops<isa>::row_dots(const T* a, int64_t a_stride, const T* b, int64_t b_stride, bool add, float* out,
                              int64_t rows, int64_t columns) {
  using N = Number<isa>;
  for (int64_t row = 0; row < rows; ++row, a += a_stride, b += b_stride) {
    prefetch<false>(b, b_stride, rows - row, columns);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < columns; ++c) sum += N::load(a + c) * N::load(b + c);
    out[row] = add ? out[row] + sum : sum;
  }
}

template void HeadLoops<Isa::TTFM_ISA>::gather(const float*, int64_t, const float*, float, float*, int64_t, int64_t,
                                               int64_t);
template void HeadLoops<Isa::TTFM_ISA>::gather(const Bf16*, int64_t, const float*, float, Bf16*, int64_t, int64_t,
                                               int64_t);
template void HeadLoops<Isa::TTFM_ISA>::scatter(const float*, int64_t, float, float*, int64_t, float*, int64_t,
                                                int64_t);
template void HeadLoops<Isa::TTFM_ISA>::scatter(const float*, int64_t, float, Bf16*, int64_t, float*, int64_t, int64_t);
template void HeadLoops<Isa::TTFM_ISA>::row_dots(const float*, int64_t, const float*, int64_t, bool, float*, int64_t,
                                                 int64_t);
template void HeadLoops<Isa::TTFM_ISA>::row_dots(const Bf16*, int64_t, const Bf16*, int64_t, bool, float*, int64_t,
                                                 int64_t);

}  // namespace ttfm::kernels
