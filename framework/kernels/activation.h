// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::kernels {

/// f of the loops; none is the identity. gelu is the tanh approximation.
enum class Activation { none, silu, gelu };

/// Rows of an activation whose argument is z + b, b [columns] the bias of the layer before, or null. Contiguous.
/// T: float or Bf16. What is on the side of the result (y, dy, g, h) begins with the first row of a call: blocks of it may
/// lie in memory of their own.
template <class T>
struct ActivationRows {
  int64_t rows = 0, columns = 0;
  Activation kind = Activation::silu;
  const T* z = nullptr;
  const T* dz = nullptr;  ///< the tangent of z; null: the plain function
  const float* bias = nullptr;
  T* y = nullptr;   ///< f(z + b); backward: written again, or null
  T* dy = nullptr;  ///< f'(z + b) dz; the same
  // backward
  const T* g = nullptr;     ///< gradient of y
  const T* h = nullptr;     ///< gradient of dy
  T* g_z = nullptr;         ///< g f' + h dz f''
  T* g_dz = nullptr;        ///< h f'
  float* g_bias = nullptr;  ///< [columns]: the sum of g_z's rows is added to it; with a bias alone, or null
};

template <Isa>
struct ActivationLoops {
  /// Rows from <= i < to.
  template <class T>
  static void forward(const ActivationRows<T>& rows, int64_t from, int64_t to);
  template <class T>
  static void backward(const ActivationRows<T>& rows, int64_t from, int64_t to);
};

}  // namespace ttfm::kernels
