// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::kernels {

/// One step of AdamW (Loshchilov, Hutter 2019, arXiv 1711.05101) on a stretch of flat buffers, with all that follows the
/// weights, in one pass:
///   g <- scale g                          m <- beta_1 m + (1 - beta_1) g         v <- beta_2 v + (1 - beta_2) g^2
///   w <- (1 - lr decay) w - step m / (sqrt(v) / root + eps)
///   each average a: a <- a + weight (w - a)
/// with step = lr / (1 - beta_1^t) and root = sqrt(1 - beta_2^t). Then g is set to 0 for the next step.
struct AdamWStretch {
  float *w = nullptr, *g = nullptr, *m = nullptr, *v = nullptr;
  float scale = 1, eps = 0, lr_decay = 0, step = 0, root = 1;
  float beta_1 = 0, beta_2 = 0;
  float rest_1 = 1, rest_2 = 1;  ///< 1 - beta, rounded once
  Bf16* w_16 = nullptr;          ///< w in 16 bits, or null
  float* average = nullptr;
  float average_weight = 0;
  Bf16* average_16 = nullptr;
};

template <Isa>
struct AdamWLoops {
  /// Numbers from <= i < to. An average is optional.
  static void update(const AdamWStretch& stretch, int64_t from, int64_t to);

  /// Another average of the same weights.
  static void follow(const float* w, float* average, Bf16* average_16, float weight, int64_t from, int64_t to);

  /// The sum of squares; not finite where a number is not.
  static double squares(const float* x, int64_t from, int64_t to);
};

}  // namespace ttfm::kernels
