// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include "kernels/vector.h"

/// Functions that the loops are made of, of a float or a vector of them.
namespace ttfm::kernels {

constexpr float kLargestExponent = 87.3f;  ///< e^-kLargestExponent is about the smallest normal number

template <class W>
[[gnu::always_inline]] inline W square_root(W x) {
  if constexpr (std::is_same_v<W, float>) {
    return __builtin_sqrtf(x);
  } else {
    W y;
    for (int i = 0; i < kLanes; ++i) y[i] = __builtin_sqrtf(x[i]);
    return y;
  }
}

/// y 2^n for an integer n as it is in `shifted`, see exp_within(); y 2^n is a normal number.
template <class W>
[[gnu::always_inline]] inline W times_power_of_two(W y, [[maybe_unused]] W n, W shifted) {
#ifdef __AVX512F__
  if constexpr (std::is_same_v<W, Wide>) return Wide(_mm512_maskz_scalef_ps(0xffff, __m512(y), __m512(n)));
#endif
  constexpr uint32_t one = 127u << 23;  // the bits of 1.f
  return y * __builtin_bit_cast(W, (__builtin_bit_cast(Bits<W>, shifted) << 23) + one);
}

/// e^x for |x| <= kLargestExponent, NaN of NaN: to about one unit in the last place of a float, and where a result is to
/// be rounded to T = Bf16, to a fiftieth of one of that (a relative 7.5e-5).
/// 2^n e^r with |r| <= ln(2)/2. For floats n ln(2) is subtracted in two parts, the first of few digits (as Cephes' expf
/// does), and e^r = 1 + r + r^2 P(r) with the P of degree 4 whose largest relative error is the least, 4e-9; for Bf16 it is
/// 2^f with the like polynomial of degree 3.
template <class T, class W>
[[gnu::always_inline]] inline W exp_within(W x) {
  constexpr float log2_e = 1.44269504088896341f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
  constexpr float to_integer = 12582912.f;  // 1.5 2^23: adding it rounds, and leaves the integer in the lowest bits
  const W shifted = x * log2_e + to_integer;
  const W n = shifted - to_integer;
  W p;
  if constexpr (std::is_same_v<T, Bf16>) {
    const W f = x * log2_e - n;
    p = f * 0.0551716697f + 0.242611128f;
    p = p * f + 0.693260986f;
    p = p * f + 0.999928073f;
  } else {
    W r = x - n * ln2_high;
    r = r - n * ln2_low;
    p = r * 1.38145394e-3f + 8.36874545e-3f;
    p = p * r + 4.16683890e-2f;
    p = p * r + 1.66665211e-1f;
    p = p * r + 4.99999940e-1f;
    p = p * r + 1.f;
    p = p * r + 1.f;
  }
  return times_power_of_two(p, n, shifted);
}

/// The same for all x <= 0; 0 below -kLargestExponent.
template <class T, class W>
[[gnu::always_inline]] inline W exp_negative(W x) {
  const W lowest = W{} - kLargestExponent;
  return x < lowest ? W{} : exp_within<T>(larger(lowest, x));
}

/// 1 / x of a normal number, as exact as exp_within().
template <class T, class W>
[[gnu::always_inline]] inline W reciprocal(W x) {
#ifdef __AVX512F__
  if constexpr (std::is_same_v<T, Bf16> && std::is_same_v<W, Wide>) {
    return Wide(_mm512_maskz_rcp14_ps(0xffff, __m512(x)));  // to 2^-14
  }
#endif
  return 1.f / x;
}

}  // namespace ttfm::kernels
