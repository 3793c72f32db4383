// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::kernels {

/// Moves blocks of rows between tensors and the scratch memory of attention, `rows` x `columns`, strides in numbers.
/// T: float or Bf16.
template <Isa>
struct HeadLoops {
  template <class T>
  static void gather(const T* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t columns);

  /// to <- from, rounded
  template <class T>
  static void scatter(const float* from, int64_t from_stride, T* to, int64_t to_stride, int64_t rows, int64_t columns);

  /// out[row] (+)= <a[row], b[row]>
  template <class T>
  static void row_dots(const T* a, int64_t a_stride, const T* b, int64_t b_stride, bool add, float* out, int64_t rows,
                       int64_t columns);
};

}  // namespace ttfm::kernels
