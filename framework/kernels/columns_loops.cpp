// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/columns.h"
#include "kernels/vector.h"

namespace ttfm::kernels {
namespace {

/// x[0][c] + ... + x[rows - 1][c], by halves.
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
  constexpr int64_t kColumns = 1024, kRows = 512;  // that are summed up by themselves and then added to the rest
  constexpr int kTogether = 8;
  float part[kColumns];
  for (int64_t start = 0; start < columns; start += kColumns) {
    const int64_t n = least(kColumns, columns - start);
    float* const out = sums + start;
    fill(out, n, 0);
    for (int64_t first = 0; first < rows; first += kRows) {
      const int64_t end = least(rows, first + kRows);
      fill(part, n, 0);
      int64_t row = first;
      for (; row + kTogether <= end; row += kTogether) {
        const T* const at = x + row * stride + start;
        each(n, [&]<class W>(int64_t c) { add_to(part + c, sum_of_rows<kTogether, W>(at, stride, c)); });
      }
      for (; row < end; ++row) {
        const T* const at = x + row * stride + start;
        each(n, [&]<class W>(int64_t c) { add_to(part + c, read<W>(at + c)); });
      }
      each(n, [&]<class W>(int64_t c) { add_to(out + c, read<W>(part + c)); });
    }
  }
}

template void ColumnLoops<Isa::TTFM_ISA>::sum(const float*, int64_t, int64_t, int64_t, float*);
template void ColumnLoops<Isa::TTFM_ISA>::sum(const Bf16*, int64_t, int64_t, int64_t, float*);

}  // namespace ttfm::kernels
