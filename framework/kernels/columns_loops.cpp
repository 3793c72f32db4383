// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/columns.h"
#include "kernels/vector.h"

namespace ttfm::kernels {
namespace {

/// x[0][c] + ... + x[rows - 1][c], by halves: long sums round more.
template <int rows, class W, class T>
[[gnu::always_inline]] inline W sum_of_rows(const T* x, int64_t stride, int64_t c) {
  if constexpr (rows == 1) {
    return read<W>(x + c);
  } else {
    return sum_of_rows<rows / 2, W>(x, stride, c) + sum_of_rows<rows / 2, W>(x + rows / 2 * stride, stride, c);
  }
}

}  // namespace

template <Isa isa>
template <class T>
void ColumnLoops<isa>::sum(const T* x, int64_t stride, int64_t rows, int64_t columns, float* sums) {
  constexpr int kTogether = 8;
  each(columns, [&]<class W>(int64_t c) { write(sums + c, W{}); });
  int64_t row = 0;
  for (; row + kTogether <= rows; row += kTogether, x += kTogether * stride) {
    each(columns, [&]<class W>(int64_t c) { add_to(sums + c, sum_of_rows<kTogether, W>(x, stride, c)); });
  }
  for (; row < rows; ++row, x += stride) each(columns, [&]<class W>(int64_t c) { add_to(sums + c, read<W>(x + c)); });
}

template void ColumnLoops<Isa::TTFM_ISA>::sum(const float*, int64_t, int64_t, int64_t, float*);
template void ColumnLoops<Isa::TTFM_ISA>::sum(const Bf16*, int64_t, int64_t, int64_t, float*);

}  // namespace ttfm::kernels
