// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <type_traits>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "kernels/bf16.h"

/// Vectors of floats as wide as the instruction set that a file of loops is compiled for. Everything here is inlined, and
/// nothing calls the standard library: code that one instruction set compiled must never be taken by the linker for another.
///
/// Loops are written once for W = Wide, a vector, and W = float, what is left of a row (each(), sum_up()). Arguments that
/// say where numbers lie are taken by value: a vector may alias anything, so the compiler would read them again after every
/// store.
namespace ttfm::kernels {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));

[[gnu::always_inline]] inline Vector& vector_at(float* p) { return *reinterpret_cast<Vector*>(p); }
[[gnu::always_inline]] inline const Vector& vector_at(const float* p) { return *reinterpret_cast<const Vector*>(p); }

[[gnu::always_inline]] constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/// A vector as a value: what templates are given, which drop Vector's alignment.
typedef float Wide __attribute__((vector_size(kLanes * sizeof(float))));

/// As many bfloat16, anywhere in memory.
typedef uint16_t Halves __attribute__((vector_size(kLanes * sizeof(uint16_t)), aligned(alignof(uint16_t)), may_alias));

/// The bits of a W.
typedef uint32_t WideBits __attribute__((vector_size(kLanes * sizeof(uint32_t))));
template <class W>
using Bits = std::conditional_t<std::is_same_v<W, Wide>, WideBits, uint32_t>;

/// As many bfloat16 as a vector has numbers, each in the lower half of a unit.
[[gnu::always_inline]] inline WideBits halves_at(const Bf16* p) {
  const Halves& halves = *reinterpret_cast<const Halves*>(p);
#ifdef __AVX512F__
  // GCC makes two conversions and a concatenation of the other form, and warns of its own header without the mask
  return __builtin_bit_cast(WideBits, _mm512_maskz_cvtepu16_epi32(0xffff, __builtin_bit_cast(__m256i, halves)));
#else
  return __builtin_convertvector(halves, WideBits);
#endif
}

/// One number from there on as a float, or as many as a vector has. W: float or Wide.
template <class W, class T>
[[gnu::always_inline]] inline W read(const T* p) {
  if constexpr (std::is_same_v<W, float> && std::is_same_v<T, float>) {
    return *p;
  } else if constexpr (std::is_same_v<W, float>) {
    return __builtin_bit_cast(float, static_cast<uint32_t>(p->bits) << 16);
  } else if constexpr (std::is_same_v<T, float>) {
    return vector_at(p);
  } else {
    return __builtin_bit_cast(Wide, halves_at(p) << 16);
  }
}

/// The numbers from p on <- x. To a bfloat16 it is rounded to the nearest, ties to even; a NaN stays one. (The processor's
/// instruction for it makes zeros of numbers below the smallest normal one.)
template <class W, class T>
[[gnu::always_inline]] inline void write(T* p, W x) {
  if constexpr (std::is_same_v<T, float> && std::is_same_v<W, float>) {
    *p = x;
  } else if constexpr (std::is_same_v<T, float>) {
    vector_at(p) = x;
  } else {
#ifdef __AVX512BF16__
    if constexpr (std::is_same_v<W, Wide>) {
      const auto rounded = _mm512_cvtneps_pbh(__builtin_bit_cast(__m512, x));
      *reinterpret_cast<Halves*>(p) = __builtin_bit_cast(Halves, rounded);
      return;
    }
#endif
    const Bits<W> bits = __builtin_bit_cast(Bits<W>, x), high = bits >> 16;
    const Bits<W> rounded = (bits + 0x7fffu + (high & 1u)) >> 16;
    const Bits<W> kept = x != x ? high | 0x40u : rounded;
    if constexpr (std::is_same_v<W, float>) {
      p->bits = static_cast<uint16_t>(kept);
    } else {
      *reinterpret_cast<Halves*>(p) = __builtin_convertvector(kept, Halves);
    }
  }
}

/// The numbers from `to` on <- those from `from` on, as they are.
template <class W, class T>
[[gnu::always_inline]] inline void copy(T* to, const T* from) {
  if constexpr (std::is_same_v<W, float>) {
    *to = *from;
  } else if constexpr (std::is_same_v<T, float>) {
    vector_at(to) = vector_at(from);
  } else {
    *reinterpret_cast<Halves*>(to) = *reinterpret_cast<const Halves*>(from);
  }
}

/// *p += x
template <class W>
[[gnu::always_inline]] inline void add_to(float* p, W x) {
  write(p, read<W>(p) + x);
}

/// The larger and the smaller one; b where one of them is a NaN.
template <class W>
[[gnu::always_inline]] inline W larger(W a, W b) {
#ifdef __AVX512F__  // GCC makes a comparison and a choice of the other form, and warns of its own header without the mask
  if constexpr (std::is_same_v<W, Wide>) return Wide(_mm512_maskz_max_ps(0xffff, __m512(a), __m512(b)));
#endif
  return a > b ? a : b;
}
template <class W>
[[gnu::always_inline]] inline W smaller(W a, W b) {
#ifdef __AVX512F__
  if constexpr (std::is_same_v<W, Wide>) return Wide(_mm512_maskz_min_ps(0xffff, __m512(a), __m512(b)));
#endif
  return a < b ? a : b;
}

/// All lanes of x in one, by halves: op(a, b) for vectors and floats.
template <class Op>
[[gnu::always_inline]] inline float folded(Wide x, Op op) {
#if defined(__AVX512F__)
  const auto eight = op(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7),
                        __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
#elif defined(__AVX2__)
  const auto eight = x;
#endif
#if defined(__AVX2__)
  const auto four =
      op(__builtin_shufflevector(eight, eight, 0, 1, 2, 3), __builtin_shufflevector(eight, eight, 4, 5, 6, 7));
#else
  const auto four = x;
#endif
  return op(op(four[0], four[2]), op(four[1], four[3]));
}

/// f.operator()<W>(c) for 0 <= c < n: with W = Wide for as many numbers as a vector has, with W = float for what is left.
template <class F>
[[gnu::always_inline]] inline void each(int64_t n, F f) {
  const int64_t whole = n - n % kLanes;
  for (int64_t c = 0; c < whole; c += kLanes) f.template operator()<Wide>(c);
  for (int64_t c = whole; c < n; ++c) f.template operator()<float>(c);
}

/// row[c] <- number for 0 <= c < n.
[[gnu::always_inline]] inline void fill(float* row, int64_t n, float number) {
  each(n, [&]<class W>(int64_t c) { write(row + c, W{} + number); });
}

template <int count>
struct Sums {
  float of[count];
};

/// What add(W* sums, c) adds up for 0 <= c < n, called as by each(). (Of a plain sum the compiler must not
/// change the order.)
template <int count, class F>
[[gnu::always_inline]] inline Sums<count> sum_up(int64_t n, F add) {
  Wide lanes[count] = {};
  const int64_t whole = n - n % kLanes;
  for (int64_t c = 0; c < whole; c += kLanes) add(lanes, c);
  Sums<count> sums{};
  for (int64_t c = whole; c < n; ++c) add(sums.of, c);
  for (int i = 0; i < count; ++i) sums.of[i] += folded(lanes[i], [](auto a, auto b) { return a + b; });
  return sums;
}

}  // namespace ttfm::kernels
