// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include "kernels/activation.h"
#include "kernels/elementary.h"

namespace ttfm::kernels {

/// f(x) = x S(w(x)), S the sigmoid: w = x for silu; w = 2 sqrt(2/pi) (x + 0.044715 x^3) for gelu, since
/// (1 + tanh z)/2 = S(2 z). With S' = S (1 - S) w':
///   f' = S + x S'      f'' = 2 S' + x S (1 - S) ((1 - 2 S) w'^2 + w'')
template <Activation kind, class W>
struct ActivationValue {
  static constexpr float kSlope = 1.5957691216057308f;  // 2 sqrt(2/pi)
  static constexpr float kCubic = 0.044715f;

  W x, s, first;  // S(w), w'

  [[gnu::always_inline]] explicit ActivationValue(W at) : x(at) {
    if constexpr (kind == Activation::gelu) {
      s = sigmoid(kSlope * (x + kCubic * x * x * x));
      first = kSlope * (1.f + 3.f * kCubic * x * x);
    } else if constexpr (kind == Activation::silu) {
      s = sigmoid(x);
      first = W{} + 1.f;
    } else {
      s = W{} + 1.f;
      first = W{};
    }
  }

  [[gnu::always_inline]] W value() const { return x * s; }
  [[gnu::always_inline]] W derivative() const { return s + x * s * (1.f - s) * first; }
  [[gnu::always_inline]] W second_derivative() const {
    if constexpr (kind == Activation::none) return W{};
    const W second = kind == Activation::gelu ? 6.f * kSlope * kCubic * x : W{};
    const W slope = s * (1.f - s);
    return 2.f * slope * first + x * slope * ((1.f - 2.f * s) * first * first + second);
  }
};

}  // namespace ttfm::kernels
