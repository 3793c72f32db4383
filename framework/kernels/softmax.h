// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::kernels {

/// Row-wise parts of softmax attention between its products; `rows` x `columns`, contiguous. T: float or Bf16. The products
/// are without the factor c = 1 / sqrt(d) of the logits; the loops put it in, and round to T.
template <Isa>
struct SoftmaxLoops {
  /// s <- softmax(c l), S; l is used up.
  template <class T>
  static void forward(float* l, float c, T* s, int64_t rows, int64_t columns);

  /// out <- c S o (dl - rowsum(S o dl)): the tangent of S given that of l, and also the gradient of l given that of S.
  template <class T>
  static void jacobian(const T* s, float c, const float* dl, T* out, int64_t rows, int64_t columns);

  /// The gradients of l and dl from u = h v^T and w = g v^T + h dv^T:
  ///   g_dl <- c S o (u - r),   g_l <- c (S o (w - rho) + (u - r) o dS)
  template <class T>
  static void dual_backward(const T* s, const T* ds, float c, const float* r, const float* rho, const float* u,
                            const float* w, T* g_dl, T* g_l, int64_t rows, int64_t columns);
};

}  // namespace ttfm::kernels
