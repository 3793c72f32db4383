// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/number.h"

namespace ttfm::kernels {

/// Row-wise parts of softmax attention between its products; `rows` x `columns`, contiguous. T: float or Bf16.
template <Isa>
struct SoftmaxLoops {
  /// l <- softmax(l), S
  static void forward(float* l, int64_t rows, int64_t columns);

  /// dl <- S o (dl - rowsum(S o dl)): the tangent of S, and also the gradient of l given that of S
  template <class T>
  static void jacobian(const T* s, float* dl, int64_t rows, int64_t columns);

  /// The gradients of l and dl from u = h v^T - r and w = g v^T + h dv^T - rho (both still without r and rho):
  ///   u <- S o (u - r),   w <- S o (w - rho) + (u - r) o dS
  template <class T>
  static void dual_backward(const T* s, const T* ds, const float* r, const float* rho, float* u, float* w, int64_t rows,
                            int64_t columns);
};

}  // namespace ttfm::kernels
