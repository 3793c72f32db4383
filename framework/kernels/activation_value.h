// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include "kernels/activation.h"
#include "kernels/elementary.h"

namespace ttfm::kernels {

/// f(x) = x S(w(x)), S the sigmoid: w = x for silu; w = 2 sqrt(2/pi) (x + 0.044715 x^3) for gelu, since
/// (1 + tanh z)/2 = S(2 z). With S' = S (1 - S) w':
///   f' = S + x S'      f'' = 2 S' + x S (1 - S) ((1 - 2 S) w'^2 + w'')
/// From e = e^-w come S = 1 / (1 + e) and 1 - S = e S, of which nothing cancels where S is near 1. T: what results are
/// rounded to, float or Bf16.
template <Activation kind, class T, class W>
class ActivationValue {
 public:
  [[gnu::always_inline]] explicit ActivationValue(W x) : x_(x) {
    if constexpr (kind == Activation::gelu) {
      near_ = within(9.99f, x);  // where |w| is little less than kLargestExponent
      const W square = near_ * near_;
      take_sigmoid(kSlope * near_ * (1.f + kCubic * square));
      slope_ = kSlope * (1.f + 3.f * kCubic * square);
    } else if constexpr (kind == Activation::silu) {
      near_ = within(kLargestExponent, x);
      take_sigmoid(near_);
      slope_ = W{} + 1.f;
    }
  }

  [[gnu::always_inline]] W value() const {
    if constexpr (kind == Activation::none) return x_;
    return larger(W{} - kFarthest, x_) * s_;
  }
  [[gnu::always_inline]] W derivative() const {
    if constexpr (kind == Activation::none) return W{} + 1.f;
    return s_ + near_ * s_ * rest_ * slope_;
  }
  [[gnu::always_inline]] W second_derivative() const {
    if constexpr (kind == Activation::none) return W{};
    const W bend = kind == Activation::gelu ? 6.f * kSlope * kCubic * near_ : W{};
    const W both = s_ * rest_;
    return 2.f * both * slope_ + near_ * both * ((rest_ - s_) * slope_ * slope_ + bend);
  }

 private:
  static constexpr float kFarthest = 1e30f;  // below -kFarthest f is -kFarthest S: S is not smaller than about 1e-38
  static constexpr float kSlope = 1.5957691216057308f;  // 2 sqrt(2/pi)
  static constexpr float kCubic = 0.044715f;

  [[gnu::always_inline]] static W within(float far, W x) {
    const W limit = W{} + far;
    return larger(-limit, smaller(limit, x));
  }
  [[gnu::always_inline]] void take_sigmoid(W w) {
    const W e = exp_within<T>(-w);
    s_ = reciprocal<T>(1.f + e);
    rest_ = e * s_;
  }

  W x_;
  W near_;      // x, or the end of where S changes
  W s_, rest_;  // S(w), 1 - S(w)
  W slope_;     // w'
};

}  // namespace ttfm::kernels
