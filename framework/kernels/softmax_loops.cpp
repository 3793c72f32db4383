// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/softmax.h"
#include "kernels/vector.h"

namespace ttfm::kernels {
namespace {

[[gnu::always_inline]] inline float largest_of(const float* l, int64_t n) {
  const auto larger = [](auto a, auto b) { return a > b ? a : b; };
  float largest = l[0];
  int64_t i = 0;
  if (n >= kLanes) {
    Wide lanes = vector_at(l);
    for (; i + kLanes <= n; i += kLanes) lanes = larger(Wide(vector_at(l + i)), lanes);
    largest = folded(lanes, larger);
  }
  for (; i < n; ++i) largest = larger(l[i], largest);
  return largest;
}

}  // namespace

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::forward(float* l, float c, T* s, int64_t rows, int64_t columns) {
  using N = Number<isa>;
  for (int64_t row = 0; row < rows; ++row, l += columns, s += columns) {
    const float largest = largest_of(l, columns);
#pragma omp simd
    for (int64_t i = 0; i < columns; ++i) l[i] = N::exp_negative(c * (l[i] - largest));
    const auto [sum] = sum_up<1>(columns, [&](auto* sums, int64_t i) {
                         using W = std::remove_pointer_t<decltype(sums)>;
                         sums[0] += read<W>(l + i);
                       }).of;
    const float share = 1.f / sum;
#pragma omp simd
    for (int64_t i = 0; i < columns; ++i) N::store(s + i, share * l[i]);
  }
}

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::jacobian(const T* s, float c, const float* dl, T* out, int64_t rows, int64_t columns) {
  using N = Number<isa>;
  for (int64_t row = 0; row < rows; ++row, s += columns, dl += columns, out += columns) {
    const auto [mean] = sum_up<1>(columns, [&](auto* sums, int64_t i) {
                          using W = std::remove_pointer_t<decltype(sums)>;
                          sums[0] += read<W>(s + i) * read<W>(dl + i);
                        }).of;
#pragma omp simd
    for (int64_t i = 0; i < columns; ++i) N::store(out + i, c * N::load(s + i) * (dl[i] - mean));
  }
}

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::dual_backward(const T* s, const T* ds, float c, const float* r, const float* rho,
                                      const float* u, const float* w, T* g_dl, T* g_l, int64_t rows, int64_t columns) {
  using N = Number<isa>;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t start = row * columns;
#pragma omp simd
    for (int64_t i = start; i < start + columns; ++i) {
      const float centred = u[i] - r[row];
      const float weight = N::load(s + i);
      N::store(g_l + i, c * (weight * (w[i] - rho[row]) + centred * N::load(ds + i)));
      N::store(g_dl + i, c * weight * centred);
    }
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
