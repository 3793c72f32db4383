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

  /// e^x to about 2 units in the last place, 0 below -87.3 and inf above 88.7; NaN of NaN.
  /// 2^n e^r with |r| <= ln(2)/2, e^r by a polynomial of degree 6 (Cephes, expf).
  [[gnu::always_inline]] static float exp(float x) {
    constexpr float log2_e = 1.44269504088896341f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    constexpr float to_integer = 12582912.f;  // 1.5 2^23: adding it rounds to an integer
    float within = x < -87.3f ? -87.3f : x;
    within = within > 88.7f ? 88.7f : within;
    const float n = (within * log2_e + to_integer) - to_integer;
    float r = within - n * ln2_high;
    r = r - n * ln2_low;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.f;
    // 2^n as two factors: n reaches 128, which no float's exponent holds
    const int32_t half = static_cast<int32_t>(n) >> 1, rest = static_cast<int32_t>(n) - half;
    const float scale_1 = __builtin_bit_cast(float, (half + 127) << 23);
    const float scale_2 = __builtin_bit_cast(float, (rest + 127) << 23);
    const float result = p * scale_1 * scale_2;
    return x < -87.3f ? 0.f : result;
  }

  /// 1 / (1 + e^-x)
  [[gnu::always_inline]] static float sigmoid(float x) { return 1.f / (1.f + exp(-x)); }
};

}  // namespace ttfm::kernels
