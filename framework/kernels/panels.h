// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/number.h"
#include "kernels/strided_matrix.h"

/// Products of matrices by the processor's vectors, in fp32: rows of the left operand as they lie in memory, the right
/// operand in panels of some columns, laid out so that a product reads each from its beginning to its end. Operands in
/// bfloat16 become floats when they are laid out, and their products are exact.
namespace ttfm::kernels {

/// Columns of a panel. A matrix [k, n] in panels is ceil(n / kPanel) blocks of [k, kPanel], the last one filled up with
/// zeros.
constexpr int64_t kPanel = 64;

/// A part of the sum of a product: `depth` numbers of each row of the left operand from left on, times as many rows of a
/// panel from right on, both counted in numbers.
struct Step {
  int64_t left, right, depth;
};

/// A sum is added up in the order of the steps, some numbers by themselves and then to the rest: the same for a row wherever
/// it lies.
template <Isa>
struct PanelLoops {
  /// The panels first <= i < last of m [k, n], which are float or Bf16.
  template <class T>
  static void pack(StridedMatrix<T> m, int64_t k, int64_t n, float* panels, int64_t first, int64_t last);

  /// to <- m [rows, columns], row by row.
  template <class T>
  static void load(StridedMatrix<T> m, int64_t rows, int64_t columns, float* to, int64_t stride);

  /// y (+)= left right, [rows, columns]; `stride_left` and `stride_y` numbers from row to row, `panel` from one panel to the
  /// next one.
  static void multiply(const float* left, int64_t stride_left, const float* right, int64_t panel, const Step* steps,
                       int64_t count, int64_t rows, int64_t columns, bool add, float* y, int64_t stride_y);
};

}  // namespace ttfm::kernels
