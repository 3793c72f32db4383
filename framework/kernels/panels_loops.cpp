// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/panels.h"

namespace ttfm::kernels {
namespace {

constexpr int64_t kTile = 16;  // of a transposition: a row and a column of it are a cache line each

/// to[i * kPanel + j] <- from[j * stride + i] for a tile of `rows` x `columns`.
[[gnu::always_inline]] inline void transpose(const float* from, int64_t stride, float* to, int64_t rows,
                                             int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) to[i * kPanel + j] = from[j * stride + i];
  }
}

}  // namespace

template <Isa isa>
void PanelLoops<isa>::pack(const float* m, int64_t row, int64_t column, int64_t k, int64_t n, float* panels,
                           int64_t first, int64_t last) {
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t start = panel * kPanel;
    const int64_t width = n - start < kPanel ? n - start : kPanel;
    float* const out = panels + panel * k * kPanel;
    const float* const in = m + start * column;
    if (column == 1) {
      for (int64_t i = 0; i < k; ++i) {
#pragma omp simd
        for (int64_t j = 0; j < width; ++j) out[i * kPanel + j] = in[i * row + j];
      }
    } else {
      for (int64_t i = 0; i < k; i += kTile) {
        const int64_t rows = k - i < kTile ? k - i : kTile;
        for (int64_t j = 0; j < width; j += kTile) {
          const float* const from = in + i + j * column;
          float* const to = out + i * kPanel + j;
          if (rows == kTile && width - j >= kTile) {
            transpose(from, column, to, kTile, kTile);
          } else {
            transpose(from, column, to, rows, width - j < kTile ? width - j : kTile);
          }
        }
      }
    }
    for (int64_t i = 0; i < k && width < kPanel; ++i) {
      for (int64_t j = width; j < kPanel; ++j) out[i * kPanel + j] = 0;
    }
  }
}

template struct PanelLoops<Isa::TTFM_ISA>;

}  // namespace ttfm::kernels
