// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

namespace ttfm::kernels {

/// A matrix of numbers in memory: element (i, j) is data[i * row + j * column], and row or column is 1.
template <class T>
struct StridedMatrix {
  const T* data;
  int64_t row, column;
};

}  // namespace ttfm::kernels
