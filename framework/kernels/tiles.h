// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/strided_matrix.h"

/// Products of fp32 matrices by matrix units that multiply bfloat16 and add in fp32 (Intel AMX; with Isa::amx only).
///
/// A number is the sum of three with 8 bits each, x = h + m + l. Of the nine products of two such sums six are taken, h h,
/// h m, m h, h l, l h and m m; what is left out is about 2^-25 of h h, less than fp32 rounds away. See Henry, Tang
/// and Heinecke, "Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations",
/// arXiv 1904.06376. A number that is not finite makes a result that is not finite; numbers below 2^-110 lose digits, those
/// below 2^-126 are zeros.
namespace ttfm::kernels {

/// Both operands are first split and laid out for the units, which multiply 16 rows by 16 columns over a depth of 32.
/// Memory for operands begins at a multiple of 64 bytes.
struct TileLoops {
  static constexpr int64_t kRows = 32, kColumns = 32;  ///< that are computed at once
  static constexpr int64_t kDepth = 32;                ///< of a step of the sum
  static constexpr int64_t kLine = 64;                 ///< bytes of one part of a row in a step
  static constexpr int64_t kStep = 3 * kLine;          ///< bytes of a row in a step

  [[gnu::always_inline]] static constexpr int64_t steps(int64_t depth) { return (depth + kDepth - 1) / kDepth; }
  [[gnu::always_inline]] static constexpr int64_t panels(int64_t columns) {
    return (columns + kColumns - 1) / kColumns;
  }

  /// The left operand lies row by row, a step after the other, each with the three parts of 32 numbers. Bytes from a row to
  /// the next one: an odd number of cache lines, or rows would compete for the same ones.
  [[gnu::always_inline]] static constexpr int64_t left_stride(int64_t depth) { return (3 * steps(depth) | 1) * kLine; }
  [[gnu::always_inline]] static constexpr int64_t left_bytes(int64_t rows, int64_t depth) {
    return (rows + kRows - 1) / kRows * kRows * left_stride(depth);
  }

  /// The right operand lies in panels of 32 columns, in each a step after the other. Bytes of a panel.
  [[gnu::always_inline]] static constexpr int64_t panel_bytes(int64_t depth) { return steps(depth) * kStep * kColumns; }

  /// A right operand of which a product may begin at any depth that is even: each part of 16 columns lies by itself, a line
  /// for two numbers of each column. Bytes of such a part, again an odd number of lines.
  [[gnu::always_inline]] static constexpr int64_t part_bytes(int64_t depth) { return ((depth + 1) / 2 | 1) * kLine; }

  using Matrix = StridedMatrix<float>;

  /// A left operand: row i of step k lies at data + i * stride + offsets[k].
  struct Left {
    const char* data;
    int64_t stride;
    const int64_t* offsets;
  };
  /// A right operand: bytes from a panel to the next one, in it to its second half, from a part to the next one, and from a
  /// step to the next one.
  struct Right {
    const char* data;
    int64_t panel, half, part, step;
  };
  [[gnu::always_inline]] static constexpr Right panels_at(const char* data, int64_t depth) {
    return {data, panel_bytes(depth), 16 * kLine, kColumns * kLine, kColumns * kStep};
  }
  [[gnu::always_inline]] static constexpr Right lines_at(const char* data, int64_t depth) {
    return {data, 6 * part_bytes(depth), 3 * part_bytes(depth), part_bytes(depth), 16 * kLine};
  }

  /// left <- m [rows, depth]
  static void split_left(Matrix m, int64_t rows, int64_t depth, char* left);

  /// The panels first <= i < last of m [depth, columns], `panel` bytes apart; `right` is where panel 0 would be.
  static void split_right(Matrix m, int64_t depth, int64_t columns, char* right, int64_t panel, int64_t first,
                          int64_t last);

  /// The same for products that begin at any even depth, with m row-major, and all columns. Numbers share lines in another
  /// way, so the other operand is the transpose of m [depth, rows], row-major.
  static void split_lines(Matrix m, int64_t depth, int64_t columns, char* lines);
  static void split_left_for_lines(Matrix m, int64_t rows, int64_t depth, char* left);

  /// y (+)= left right, [rows, columns], `stride` numbers from row to row.
  static void multiply(Left left, Right right, int64_t steps, int64_t rows, int64_t columns, bool add, float* y,
                       int64_t stride);
};

}  // namespace ttfm::kernels
