// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/softmax.h"

namespace ttfm::kernels {

template <Isa isa>
void SoftmaxLoops<isa>::forward(float* l, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, l += columns) {
    float largest = l[0];
#pragma omp simd reduction(max : largest)
    for (int64_t c = 0; c < columns; ++c) largest = l[c] > largest ? l[c] : largest;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < columns; ++c) {
      const float e = Number<isa>::exp_negative(l[c] - largest);
      l[c] = e;
      sum += e;
    }
    const float share = 1.f / sum;
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) l[c] *= share;
  }
}

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::jacobian(const T* s, float* dl, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, s += columns, dl += columns) {
    float mean = 0;
#pragma omp simd reduction(+ : mean)
    for (int64_t c = 0; c < columns; ++c) mean += Number<isa>::load(s + c) * dl[c];
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) dl[c] = Number<isa>::load(s + c) * (dl[c] - mean);
  }
}

template <Isa isa>
template <class T>
void SoftmaxLoops<isa>::dual_backward(const T* s, const T* ds, const float* r, const float* rho, float* u, float* w,
                                      int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; ++row, s += columns, ds += columns, u += columns, w += columns) {
#pragma omp simd
    for (int64_t c = 0; c < columns; ++c) {
      const float centred = u[c] - r[row];
      const float weight = Number<isa>::load(s + c);
      w[c] = weight * (w[c] - rho[row]) + centred * Number<isa>::load(ds + c);
      u[c] = weight * centred;
    }
  }
}

template void SoftmaxLoops<Isa::TTFM_ISA>::forward(float*, int64_t, int64_t);
template void SoftmaxLoops<Isa::TTFM_ISA>::jacobian(const float*, float*, int64_t, int64_t);
template void SoftmaxLoops<Isa::TTFM_ISA>::jacobian(const Bf16*, float*, int64_t, int64_t);
template void SoftmaxLoops<Isa::TTFM_ISA>::dual_backward(const float*, const float*, const float*, const float*, float*,
                                                         float*, int64_t, int64_t);
template void SoftmaxLoops<Isa::TTFM_ISA>::dual_backward(const Bf16*, const Bf16*, const float*, const float*, float*,
                                                         float*, int64_t, int64_t);

}  // namespace ttfm::kernels
