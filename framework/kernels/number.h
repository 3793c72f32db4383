// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/isa.h"

/// What the loops compute with. Everything is a member of a template over the instruction set, and nothing here calls
/// the standard library: code that one instruction set compiled must never be taken by the linker for another.
namespace ttfm::kernels {

/// Storage of a bfloat16: the upper half of a float. Layout of at::BFloat16.
struct Bf16 {
  uint16_t bits;
};

template <Isa>
struct Number {
  [[gnu::always_inline]] static float load(const float* p) { return *p; }
  [[gnu::always_inline]] static float load(const Bf16* p) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(p->bits) << 16);
  }

  [[gnu::always_inline]] static void store(float* p, float value) { *p = value; }
  /// Rounds to the nearest, ties to even; a NaN stays one.
  [[gnu::always_inline]] static void store(Bf16* p, float value) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, value);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    p->bits = static_cast<uint16_t>(value != value ? (bits >> 16) | 0x40u : rounded);
  }

  static constexpr float kLowest = -87.3f;  ///< e^kLowest is about the smallest normal number

  /// e^x for kLowest <= x <= 0 to about one unit in the last place, NaN of NaN.
  /// 2^n e^r with |r| <= ln(2)/2; n ln(2) is subtracted in two parts, the first of few digits (as Cephes' expf does), and
  /// e^r = 1 + r + r^2 P(r) with the P of degree 4 whose largest relative error is the least, 4e-9.
  [[gnu::always_inline]] static float exp_within(float x) {
    constexpr float log2_e = 1.44269504088896341f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    constexpr float to_integer = 12582912.f;  // 1.5 2^23: adding it rounds, and leaves the integer in the lowest bits
    const float shifted = x * log2_e + to_integer;
    const float n = shifted - to_integer;
    float r = x - n * ln2_high;
    r = r - n * ln2_low;
    float p = 1.38145394e-3f;
    p = p * r + 8.36874545e-3f;
    p = p * r + 4.16683890e-2f;
    p = p * r + 1.66665211e-1f;
    p = p * r + 4.99999940e-1f;
    p = p * r + 1.f;
    p = p * r + 1.f;
    constexpr uint32_t one = 127u << 23;  // the bits of 1.f
    return p * __builtin_bit_cast(float, (__builtin_bit_cast(uint32_t, shifted) << 23) + one);
  }

  /// The same for all x <= 0; 0 below kLowest.
  [[gnu::always_inline]] static float exp_negative(float x) {
    return x < kLowest ? 0.f : exp_within(kLowest > x ? kLowest : x);
  }

  /// 1 / d for 1 <= d <= 2 to about one unit in the last place, NaN of NaN, without a division. Newton's
  /// iteration, one step of third and one of second order, from a line that is off by at most 1/17.
  [[gnu::always_inline]] static float inverse(float d) {
    float y = 24.f / 17.f - 8.f / 17.f * d;
    float r = 1.f - d * y;
    y += y * (r + r * r);
    r = 1.f - d * y;
    return y + y * r;
  }

  /// 1 / (1 + e^-x), at least 1e-38
  [[gnu::always_inline]] static float sigmoid(float x) {
    const float distance = __builtin_fabsf(x);
    const float e = exp_within(-(-kLowest < distance ? -kLowest : distance));
    const float y = inverse(1.f + e);
    return x < 0.f ? e * y : y;
  }
};

}  // namespace ttfm::kernels
