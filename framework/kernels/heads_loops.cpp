// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/heads.h"
#include "kernels/vector.h"

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
void HeadLoops<isa>::gather(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows,
                            int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    prefetch<false>(from, from_stride, rows - row, columns);
    each(columns, [&]<class W>(int64_t c) { copy<W>(to + c, from + c); });
  }
}

template <Isa isa>
template <class T>
void HeadLoops<isa>::scatter(const float* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows,
                             int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, from += from_stride, to += to_stride) {
    prefetch<true>(to, to_stride, rows - row, columns);
    each(columns, [&]<class W>(int64_t c) { write(to + c, read<W>(from + c)); });
  }
}

template <Isa isa>
template <class T>
void HeadLoops<isa>::row_dots(const T* a, int64_t a_stride, const T* b, int64_t b_stride, bool add, float* out,
                              int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, a += a_stride, b += b_stride) {
    prefetch<false>(b, b_stride, rows - row, columns);
    const auto [sum] = sum_up<1>(columns, [&](auto* sums, int64_t c) {
                         using W = std::remove_pointer_t<decltype(sums)>;
                         sums[0] += read<W>(a + c) * read<W>(b + c);
                       }).of;
    out[row] = add ? out[row] + sum : sum;
  }
}

using Loops = HeadLoops<Isa::TTFM_ISA>;
template void Loops::gather(const float*, int64_t, float*, int64_t, int64_t, int64_t);
template void Loops::gather(const Bf16*, int64_t, Bf16*, int64_t, int64_t, int64_t);
template void Loops::scatter(const float*, int64_t, float*, int64_t, int64_t, int64_t);
template void Loops::scatter(const float*, int64_t, Bf16*, int64_t, int64_t, int64_t);
template void Loops::row_dots(const float*, int64_t, const float*, int64_t, bool, float*, int64_t, int64_t);
template void Loops::row_dots(const Bf16*, int64_t, const Bf16*, int64_t, bool, float*, int64_t, int64_t);

}  // namespace ttfm::kernels
