// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/elementary.h"
#include "kernels/softmax.h"

namespace ttfm::kernels {
namespace {

[[gnu::always_inline]] inline float largest_of(const float* l, int64_t n) {
  float largest = l[0];
  int64_t i = 0;
  if (n >= kLanes) {
    Wide lanes = vector_at(l);
    for (; i + kLanes <= n; i += kLanes) lanes = larger<Wide>(vector_at(l + i), lanes);
    largest = folded(lanes, [](auto a, auto b) { return larger(a, b); });
  }
  for (; i < n; ++i) largest = larger(l[i], largest);
  return largest;
}

}  // namespace

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::forward(float* l, float c, T* s, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, l += columns, s += columns) {
    const float largest = largest_of(l, columns);
    const auto [sum] = sum_up<1>(columns, [&](auto* sums, int64_t i) {
                         using W = std::remove_pointer_t<decltype(sums)>;
                         const W weight = exp_negative<T, W>(c * (read<W>(l + i) - largest));
                         write(l + i, weight);
                         sums[0] += weight;
                       }).of;
    const float share = 1.f / sum;
    each(columns, [&]<class W>(int64_t i) { write(s + i, share * read<W>(l + i)); });
  }
}

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::jacobian(const T* s, float c, const float* dl, T* out, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, s += columns, dl += columns, out += columns) {
    const float mean = sum_up<1>(columns, [&](auto* sums, int64_t i) {
                         using W = std::remove_pointer_t<decltype(sums)>;
                         sums[0] += read<W>(s + i) * read<W>(dl + i);
                       }).of[0];
    each(columns, [&]<class W>(int64_t i) { write(out + i, c * read<W>(s + i) * (read<W>(dl + i) - mean)); });
  }
}

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::dual_backward(const T* s, const T* ds, float c, const float* r, const float* rho,
                                      const float* u, const float* w, T* g_dl, T* g_l, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t start = row * columns;
    each(columns, [&]<class W>(int64_t column) {
      const int64_t i = start + column;
      const W centred = read<W>(u + i) - r[row], weight = read<W>(s + i);
      write(g_l + i, c * (weight * (read<W>(w + i) - rho[row]) + centred * read<W>(ds + i)));
      write(g_dl + i, c * weight * centred);
    });
  }
}

using Loops = SoftmaxLoops<Isa::TTFM_ISA>;
template void Loops::forward(float*, float, float*, int64_t, int64_t);
template void Loops::forward(float*, float, Bf16*, int64_t, int64_t);
template void Loops::jacobian(const float*, float, const float*, float*, int64_t, int64_t);
template void Loops::jacobian(const Bf16*, float, const float*, Bf16*, int64_t, int64_t);
template void Loops::dual_backward(const float*, const float*, float, const float*, const float*, const float*,
                                   const float*, float*, float*, int64_t, int64_t);
template void Loops::dual_backward(const Bf16*, const Bf16*, float, const float*, const float*, const float*,
                                   const float*, Bf16*, Bf16*, int64_t, int64_t);

}  // namespace ttfm::kernels
