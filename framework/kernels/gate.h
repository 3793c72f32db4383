// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::kernels {

/// A gated residual of rows, gate [samples, columns] one for each sample, bias [columns] that of the layer that made y:
///   out = x + gate (y + bias)                    dout = dx + gate dy + dgate (y + bias)
/// Backward, with g of out and h of dout:
///   g_y = gate g + dgate h,  g_dy = gate h
///   g_gate = sum of (g (y + bias) + h dy),  g_dgate = sum of h (y + bias)    over a sample's rows
/// and g_bias, the sum of all rows of g_y; without y only g_y and g_dy. X: of x and out; Y: of y.
template <class X, class Y>
struct GateRows {
  int64_t columns = 0, rows_per_sample = 1;
  const X *x = nullptr, *dx = nullptr;            ///< dx null: zero
  const Y *y = nullptr, *dy = nullptr;            ///< dy null: the plain residual
  const float* bias = nullptr;                    ///< zeros where there is none
  const float *gate = nullptr, *dgate = nullptr;  ///< dgate null: zero
  int64_t stride = 0;                             ///< between the samples of gate; of dgate alike
  // forward
  X *out = nullptr, *dout = nullptr;
  // backward
  const X *g = nullptr, *h = nullptr;
  Y *g_y = nullptr, *g_dy = nullptr;
  float *g_gate = nullptr, *g_dgate = nullptr;  ///< [samples, columns], zeros
  float* g_bias = nullptr;                      ///< [samples, columns], zeros: each sample's own sum
};

template <Isa>
struct GateLoops {
  /// Samples from <= i < to.
  template <class X, class Y>
  static void forward(const GateRows<X, Y>& rows, int64_t from, int64_t to);
  template <class X, class Y>
  static void backward(const GateRows<X, Y>& rows, int64_t from, int64_t to);
};

}  // namespace ttfm::kernels
