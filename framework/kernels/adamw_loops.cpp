// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/adamw.h"
#include "kernels/elementary.h"

namespace ttfm::kernels {
namespace {

/// The average after a step towards w.
template <class W>
[[gnu::always_inline]] inline W followed(W average, W w, float weight) {
  return average + weight * (w - average);
}

template <bool with_16, bool with_average, bool with_average_16>
void update_of(const AdamWStretch s, int64_t from, int64_t to) {
  const float keep = 1.f - s.lr_decay, per_root = 1.f / s.root;
  each(to - from, [&]<class W>(int64_t n) {
    const int64_t i = from + n;
    const W gradient = s.scale * read<W>(s.g + i);
    const W first = s.beta_1 * read<W>(s.m + i) + s.rest_1 * gradient;
    const W second = s.beta_2 * read<W>(s.v + i) + s.rest_2 * gradient * gradient;
    const W value = keep * read<W>(s.w + i) - s.step * first / (square_root(second) * per_root + s.eps);
    write(s.m + i, first);
    write(s.v + i, second);
    write(s.w + i, value);
    write(s.g + i, W{});
    if constexpr (with_16) write(s.w_16 + i, value);
    if constexpr (with_average) {
      const W mean = followed(read<W>(s.average + i), value, s.average_weight);
      write(s.average + i, mean);
      if constexpr (with_average_16) write(s.average_16 + i, mean);
    }
  });
}

}  // namespace

template <Isa isa>
void AdamWLoops<isa>::update(const AdamWStretch& s, int64_t from, int64_t to) {
  if (s.w_16 && s.average_16) return update_of<true, true, true>(s, from, to);
  if (s.w_16 && s.average) return update_of<true, true, false>(s, from, to);
  if (s.w_16) return update_of<true, false, false>(s, from, to);
  if (s.average_16) return update_of<false, true, true>(s, from, to);
  if (s.average) return update_of<false, true, false>(s, from, to);
  update_of<false, false, false>(s, from, to);
}

template <Isa isa>
void AdamWLoops<isa>::follow(const float* w, float* average, Bf16* average_16, float weight, int64_t from, int64_t to) {
  each(to - from, [&]<class W>(int64_t n) {
    const int64_t i = from + n;
    const W mean = followed(read<W>(average + i), read<W>(w + i), weight);
    write(average + i, mean);
    if (average_16) write(average_16 + i, mean);
  });
}

template <Isa isa>
double AdamWLoops<isa>::squares(const float* x, int64_t from, int64_t to) {
  constexpr int64_t kBlock = 4096;  // floats hold the sum of so many without losing digits
  double total = 0;
  for (int64_t start = from; start < to; start += kBlock) {
    const int64_t end = least(start + kBlock, to);
    const auto [sum] = sum_up<1>(end - start, [&](auto* sums, int64_t i) {
                         using W = std::remove_pointer_t<decltype(sums)>;
                         const W number = read<W>(x + start + i);
                         sums[0] += number * number;
                       }).of;
    total += static_cast<double>(sum);
  }
  return total;
}

template struct AdamWLoops<Isa::TTFM_ISA>;

}  // namespace ttfm::kernels
