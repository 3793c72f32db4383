// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ttfm {

/// Two numbers of 64 bits, of which philox() looks at the lower 32.
typedef uint64_t TwoWords __attribute__((vector_size(16)));

/// The products of the lower halves.
inline TwoWords widening_product(TwoWords a, TwoWords b) {
#ifdef __SSE2__
  return __builtin_bit_cast(TwoWords, _mm_mul_epu32(__builtin_bit_cast(__m128i, a), __builtin_bit_cast(__m128i, b)));
#else
  return (a & 0xFFFFFFFF) * (b & 0xFFFFFFFF);
#endif
}

/// The counter of a block of random numbers.
struct PhiloxCounter {
  uint64_t row, block;
};

/// Philox4x32-10: four random 32-bit words from a 64-bit key and a 128-bit counter, for several counters at once, none of
/// which has to wait for another. Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
template <size_t count>
std::array<std::array<uint32_t, 4>, count> philox(uint64_t key, const std::array<PhiloxCounter, count>& counters) {
  static_assert(count % 2 == 0);
  constexpr uint32_t kM0 = 0xD2511F53, kM1 = 0xCD9E8D57, kW0 = 0x9E3779B9, kW1 = 0xBB67AE85;
  const TwoWords m0 = {kM0, kM0}, m1 = {kM1, kM1};
  TwoWords k0 = {key, key}, k1 = k0 >> 32;
  TwoWords c0[count / 2], c1[count / 2], c2[count / 2], c3[count / 2];
  for (size_t i = 0; i < count / 2; ++i) {
    const PhiloxCounter &a = counters[2 * i], &b = counters[2 * i + 1];
    c0[i] = TwoWords{a.block, b.block};
    c1[i] = c0[i] >> 32;
    c2[i] = TwoWords{a.row, b.row};
    c3[i] = c2[i] >> 32;
  }
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
#pragma GCC unroll 8
    for (size_t i = 0; i < count / 2; ++i) {
      const TwoWords p0 = widening_product(c0[i], m0), p1 = widening_product(c2[i], m1);
      c0[i] = (p1 >> 32) ^ c1[i] ^ k0;
      c2[i] = (p0 >> 32) ^ c3[i] ^ k1;
      c1[i] = p1;
      c3[i] = p0;
    }
    k0 += kW0;
    k1 += kW1;
  }
  std::array<std::array<uint32_t, 4>, count> words;
  for (size_t i = 0; i < count; ++i) {
    const auto of = [i](const TwoWords(&c)[count / 2]) { return static_cast<uint32_t>(c[i / 2][i % 2]); };
    words[i] = {of(c0), of(c1), of(c2), of(c3)};
  }
  return words;
}

/// The block of one counter.
inline std::array<uint32_t, 4> philox(uint64_t key, uint64_t row, uint64_t block) {
  return philox<2>(key, {{{row, block}, {row, block}}})[0];
}

/// Mixes `value` into a key: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
constexpr uint64_t mix(uint64_t key, uint64_t value) {
  uint64_t z = key + 0x9E3779B97F4A7C15u + value * 0xD1342543DE82EF95u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

/// Mixes a name into a key: FNV-1a, then mix().
constexpr uint64_t mix(uint64_t key, std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return mix(key, hash);
}

}  // namespace ttfm
