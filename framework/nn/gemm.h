// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/number.h"

namespace ttfm::nn {

/// A matrix in host memory, row by row, `stride` numbers from one row to the next.
template <class T>
struct Matrix {
  T* data;
  int64_t stride;
  bool transposed = false;
};

/// C <- A B, or C <- C + A B, on this thread's share of cores, A [m, k], B [k, n], for products too small to be a tensor's:
/// in fp32 by the processor's matrix units where it has them, or by oneDNN's kernel for blocks where neither is transposed,
/// else by the BLAS that LibTorch carries, without LibTorch's way to it.
void gemm(int64_t m, int64_t n, int64_t k, Matrix<const float> a, Matrix<const float> b, bool add, Matrix<float> c);
void gemm(int64_t m, int64_t n, int64_t k, Matrix<const kernels::Bf16> a, Matrix<const kernels::Bf16> b, bool add,
          Matrix<float> c);

}  // namespace ttfm::nn
