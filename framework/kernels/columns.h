// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::kernels {

template <Isa>
struct ColumnLoops {
  /// sums[c] <- sum over i < rows of x[i][c] for c < columns, `stride` numbers from row to row. T: float or Bf16.
  template <class T>
  static void sum(const T* x, int64_t stride, int64_t rows, int64_t columns, float* sums);
};

}  // namespace ttfm::kernels
