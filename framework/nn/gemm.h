// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/number.h"
#include "kernels/strided_matrix.h"

namespace ttfm::nn {

using kernels::StridedMatrix;

/// C <- A B, or C <- C + A B, shared among threads: A [m, k], B [k, n], C row by row with `stride` numbers from one to the
/// next. By PackedMatrix where the processor supports it, else by LibTorch; bf16 by the BLAS that LibTorch carries, without
/// LibTorch's way to it.
void gemm(int64_t m, int64_t n, int64_t k, StridedMatrix<float> a, StridedMatrix<float> b, bool add, float* c,
          int64_t stride);
void gemm(int64_t m, int64_t n, int64_t k, StridedMatrix<kernels::Bf16> a, StridedMatrix<kernels::Bf16> b, bool add,
          float* c, int64_t stride);

}  // namespace ttfm::nn
