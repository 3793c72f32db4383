// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/number.h"

namespace ttfm::kernels {

/// Columns of a panel. A matrix [k, n] in panels is ceil(n / kPanel) blocks of [k, kPanel], the last one filled up with
/// zeros: a product reads each from its beginning to its end.
constexpr int64_t kPanel = 128;

template <Isa>
struct PanelLoops {
  /// The panels first <= i < last of the matrix that has element (i, j) at m[i * row + j * column]; row or column is 1.
  static void pack(const float* m, int64_t row, int64_t column, int64_t k, int64_t n, float* panels, int64_t first,
                   int64_t last);
};

}  // namespace ttfm::kernels
