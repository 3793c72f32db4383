// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <optional>

#include "kernels/bf16.h"
#include "kernels/strided_matrix.h"
#include "nn/packed_matrix.h"

namespace ttfm::nn {

/// C <- A B, or C <- C + A B, shared among threads: A [m, k], B [k, n], C row by row with `stride` numbers from one to the
/// next. By PackedMatrix where the processor supports it, else by LibTorch; bf16 by the BLAS that LibTorch carries, without
/// LibTorch's way to it.
void gemm(int64_t m, int64_t n, int64_t k, StridedMatrix<float> a, StridedMatrix<float> b, bool add, float* c,
          int64_t stride);
void gemm(int64_t m, int64_t n, int64_t k, StridedMatrix<kernels::Bf16> a, StridedMatrix<kernels::Bf16> b, bool add,
          float* c, int64_t stride);

/// The right-hand side of several products, b [k, n], which stays where it is. T: float or kernels::Bf16.
template <class T>
class RightOperand {
 public:
  RightOperand(StridedMatrix<T> b, int64_t k, int64_t n);

  /// Rows of a left-hand side of so many that are best multiplied at once, while they are in a core's cache.
  static int64_t block(int64_t rows);

  /// Its first k rows and n columns.
  RightOperand leading(int64_t k, int64_t n) const;

  /// C <- A B, or C <- C + A B, see gemm().
  void multiply(StridedMatrix<T> a, int64_t rows, bool add, float* c, int64_t stride) const;

  /// C <- A B, rounded to T.
  void multiply(StridedMatrix<T> a, int64_t rows, T* c, int64_t stride) const;

 private:
  static bool packs();

  StridedMatrix<T> b_;
  int64_t k_, n_;
  std::optional<PackedMatrix> packed_;
};

}  // namespace ttfm::nn
