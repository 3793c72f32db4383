// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::kernels {

/// Of one row; dx_mean = <dx> and q = <xhat dx> of a dual norm, see below.
struct LayerNormStatistics {
  float mean, rstd, dx_mean, q;
};

/// Rows of layer norm with an affine part that is each sample's own (the modulation of a DiT) or shared:
///   xhat = rstd (x - mean),  z = a xhat + b          dxhat = rstd (dx - <dx> - xhat <xhat dx>),  dz = a dxhat + da xhat + db
/// with <> the mean over a row. Backward, with g of z and h of dz, G = a g + da h, H = a h, J w = rstd (w - <w> - xhat <xhat w>):
///   g_dx = J H       g_x = J (G - rstd <xhat dx> H) - rstd (xhat <H dxhat> + dxhat <H xhat>)
///   g_a = sum of (g xhat + h dxhat),  g_b = sum of g,  g_da = sum of h xhat,  g_db = sum of h    over a sample's rows
/// Contiguous. X, Y: float or Bf16, the types of x and z and of their gradients. What is on the side of the result (z, dz,
/// g, h) begins with the first row of a call: blocks of it may lie in memory of their own.
template <class X, class Y>
struct LayerNormRows {
  int64_t rows = 0, columns = 0;
  int64_t rows_per_sample = 1;
  double eps = 1e-6;
  const X* x = nullptr;
  const X* dx = nullptr;  ///< null: the plain norm
  // [samples, columns] with a stride of `stride` between samples (0: shared); a and b both given or both null
  const float *a = nullptr, *b = nullptr;
  const float *da = nullptr, *db = nullptr;  ///< may be null
  int64_t stride = 0;
  LayerNormStatistics* statistics = nullptr;  ///< [rows]
  bool known = false;                         ///< they are set already: forward() reads them, as backward() always does
  Y *z = nullptr, *dz = nullptr;              ///< backward: written again, or null
  // backward
  const Y *g = nullptr, *h = nullptr;
  X *g_x = nullptr, *g_dx = nullptr;
  float *g_a = nullptr, *g_b = nullptr, *g_da = nullptr,
        *g_db = nullptr;  ///< [samples, columns] each, zeros; or all null
};

template <Isa>
struct LayerNormLoops {
  /// Rows from <= i < to. Calls for rows of the same sample add to the same sums.
  template <class X, class Y>
  static void forward(const LayerNormRows<X, Y>& rows, int64_t from, int64_t to);
  template <class X, class Y>
  static void backward(const LayerNormRows<X, Y>& rows, int64_t from, int64_t to);
};

}  // namespace ttfm::kernels
