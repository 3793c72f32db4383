// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/bf16.h"
#include "kernels/isa.h"
#include "kernels/strided_matrix.h"

/// Products of matrices by the processor's vectors: rows of the left operand as they lie in memory or in groups, the right
/// operand in panels of some columns, laid out so that a product reads each from its beginning to its end. Sums are of floats.
namespace ttfm::kernels {

/// Columns of a panel. A matrix [k, n] in panels is ceil(n / kPanel) blocks of [units of k, kPanel], the last one filled up
/// with zeros.
constexpr int64_t kPanel = 64;
[[gnu::always_inline]] constexpr int64_t panels_of(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

/// Two neighbours along the depth, k and k + 1, that one instruction multiplies and adds up.
struct [[gnu::may_alias]] Pair {
  uint16_t low, high;
};

/// Rows of a left operand that are multiplied at once.
constexpr int64_t kGroup = 6;

/// A left operand in groups of kGroup rows: unit j of a group's row i is units[i * row + j * step], and `group` units are
/// from one group to the next. Its rows lie one after the other, or those of a group side by side.
template <class U>
struct LeftOperand {
  const U* units;
  int64_t row, step, group;

  static LeftOperand by_row(const U* units, int64_t row) { return {units, row, 1, kGroup * row}; }
  static LeftOperand by_group(const U* units, int64_t group) { return {units, 1, kGroup, group}; }
};

/// T: float or Bf16. Operands are laid out in units of 32 bits, each a float or a pair of bfloat16; Bf16 becomes floats,
/// whose products are as exact, where the processor does not multiply it.
///
/// A sum is added up in the order of the depth, some numbers by themselves and then to the rest: the same for a row wherever
/// it lies.
template <Isa isa>
struct PanelLoops {
  template <class T>
  using Unit = std::conditional_t<isa == Isa::avx512_bf16 && std::is_same_v<T, Bf16>, Pair, float>;

  /// Units of a row with so many numbers.
  template <class T>
  [[gnu::always_inline]] static constexpr int64_t units(int64_t depth) {
    return std::is_same_v<Unit<T>, Pair> ? (depth + 1) / 2 : depth;
  }

  /// The panels first <= i < last of m [k, n]; `panel` units from one panel to the next one.
  template <class T>
  static void pack(StridedMatrix<T> m, int64_t k, int64_t n, Unit<T>* panels, int64_t panel, int64_t first,
                   int64_t last);

  /// m [rows, depth] as a left operand where it lies, with units(m.row) from row to row; null if it has to be laid out.
  template <class T>
  [[gnu::always_inline]] static const Unit<T>* in_place(StridedMatrix<T> m, int64_t depth) {
    constexpr int64_t kNumbers = sizeof(Unit<T>) / sizeof(T);
    const bool whole = m.column == 1 && depth % kNumbers == 0 && m.row % kNumbers == 0;
    if constexpr (std::is_same_v<T, Bf16> && std::is_same_v<Unit<T>, float>) return nullptr;
    return whole ? reinterpret_cast<const Unit<T>*>(m.data) : nullptr;
  }

  /// to <- m [rows, depth] as a left operand, `stride` units from row to row.
  template <class T>
  static void load(StridedMatrix<T> m, int64_t rows, int64_t depth, Unit<T>* to, int64_t stride);

  /// to <- the transpose of m [depth, columns] as a left operand, its rows side by side in groups.
  template <class T>
  static void group(StridedMatrix<T> m, int64_t depth, int64_t columns, Unit<T>* to, int64_t group);

  /// y <- left right + bias, [rows, columns], summed over `depth` units, or with `add` y <- y + left right; bias [columns]
  /// or null; `stride_y` numbers from row to row. A Y of Bf16 is rounded once, to the nearest.
  template <class U, class Y>
  static void multiply(LeftOperand<U> left, const U* right, int64_t panel, int64_t depth, int64_t rows, int64_t columns,
                       const float* bias, bool add, Y* y, int64_t stride_y);
};

}  // namespace ttfm::kernels
