// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include "kernels/vector.h"

namespace ttfm::kernels {

// Which numbers of two vectors, one after the other: the lower or the upper halves by turns, one number or two of each,
// within each 128 bits; and every other four numbers.
#if defined(__AVX512F__)
#define TTFM_LOW_ONES 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define TTFM_HIGH_ONES 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define TTFM_LOW_TWOS 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define TTFM_HIGH_TWOS 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define TTFM_EVEN_FOURS 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27
#define TTFM_ODD_FOURS 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31
#elif defined(__AVX2__)
#define TTFM_LOW_ONES 0, 8, 1, 9, 4, 12, 5, 13
#define TTFM_HIGH_ONES 2, 10, 3, 11, 6, 14, 7, 15
#define TTFM_LOW_TWOS 0, 1, 8, 9, 4, 5, 12, 13
#define TTFM_HIGH_TWOS 2, 3, 10, 11, 6, 7, 14, 15
#define TTFM_EVEN_FOURS 0, 1, 2, 3, 8, 9, 10, 11
#define TTFM_ODD_FOURS 4, 5, 6, 7, 12, 13, 14, 15
#else
#define TTFM_LOW_ONES 0, 4, 1, 5
#define TTFM_HIGH_ONES 2, 6, 3, 7
#define TTFM_LOW_TWOS 0, 1, 4, 5
#define TTFM_HIGH_TWOS 2, 3, 6, 7
#endif

/// A square of vectors, each in fours of columns that lie `apart` in the matrix they are of: to[column][i] <- rows[i].
/// First within each 4 x 4, so that vector c of four rows has their columns c of each four; then fours change places.
template <class Unit>
[[gnu::always_inline]] inline void leave_transposed(Vector (&rows)[kLanes], int64_t apart, Unit* to, int64_t stride) {
  constexpr int kFours = kLanes / 4;
  for (int i = 0; i < kLanes; i += 4) {
    const Vector a = __builtin_shufflevector(rows[i], rows[i + 1], TTFM_LOW_ONES),
                 b = __builtin_shufflevector(rows[i], rows[i + 1], TTFM_HIGH_ONES);
    const Vector c = __builtin_shufflevector(rows[i + 2], rows[i + 3], TTFM_LOW_ONES),
                 d = __builtin_shufflevector(rows[i + 2], rows[i + 3], TTFM_HIGH_ONES);
    rows[i] = __builtin_shufflevector(a, c, TTFM_LOW_TWOS);
    rows[i + 1] = __builtin_shufflevector(a, c, TTFM_HIGH_TWOS);
    rows[i + 2] = __builtin_shufflevector(b, d, TTFM_LOW_TWOS);
    rows[i + 3] = __builtin_shufflevector(b, d, TTFM_HIGH_TWOS);
  }
  for (int c = 0; c < 4; ++c) {
    Vector fours[kFours];
    for (int i = 0; i < kFours; ++i) fours[i] = rows[4 * i + c];
#ifdef __AVX2__
    for (int pass = 1; pass < kFours; pass *= 2) {
      Vector next[kFours];
      for (int i = 0; i < kFours / 2; ++i) {
        next[i] = __builtin_shufflevector(fours[2 * i], fours[2 * i + 1], TTFM_EVEN_FOURS);
        next[i + kFours / 2] = __builtin_shufflevector(fours[2 * i], fours[2 * i + 1], TTFM_ODD_FOURS);
      }
      for (int i = 0; i < kFours; ++i) fours[i] = next[i];
    }
#endif
    for (int i = 0; i < kFours; ++i) *reinterpret_cast<Vector*>(to + (i * apart + c) * stride) = fours[i];
  }
}

}  // namespace ttfm::kernels
