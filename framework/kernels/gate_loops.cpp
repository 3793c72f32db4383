// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/gate.h"

namespace ttfm::kernels {
namespace {

template <Isa isa, bool dual, bool x_moves, bool gate_moves, class X, class Y>
void forward_of(const GateRows<X, Y>& r, int64_t from, int64_t to) {
  using N = Number<isa>;
  const int64_t n = r.columns;
  for (int64_t sample = from; sample < to; ++sample) {
    const float* gate = r.gate + sample * r.stride;
    const float* dgate = gate_moves ? r.dgate + sample * r.stride : nullptr;
    for (int64_t at = sample * r.rows_per_sample * n; at < (sample + 1) * r.rows_per_sample * n; at += n) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        const float y = N::load(r.y + at + c) + r.bias[c];
        N::store(r.out + at + c, N::load(r.x + at + c) + gate[c] * y);
        if constexpr (dual) {
          float tangent = gate[c] * N::load(r.dy + at + c);
          if constexpr (x_moves) tangent += N::load(r.dx + at + c);
          if constexpr (gate_moves) tangent += dgate[c] * y;
          N::store(r.dout + at + c, tangent);
        }
      }
    }
  }
}

template <Isa isa, bool dual, bool gate_moves, class X, class Y>
void backward_of(const GateRows<X, Y>& r, int64_t from, int64_t to) {
  using N = Number<isa>;
  const int64_t n = r.columns;
  for (int64_t sample = from; sample < to; ++sample) {
    const float* gate = r.gate + sample * r.stride;
    const float* dgate = gate_moves ? r.dgate + sample * r.stride : nullptr;
    float *g_gate = r.g_gate + sample * n, *g_bias = r.g_bias + sample * n;
    float* g_dgate = gate_moves ? r.g_dgate + sample * n : nullptr;
    for (int64_t at = sample * r.rows_per_sample * n; at < (sample + 1) * r.rows_per_sample * n; at += n) {
#pragma omp simd
      for (int64_t c = 0; c < n; ++c) {
        const float g = N::load(r.g + at + c);
        const float y = N::load(r.y + at + c) + r.bias[c];
        float of_gate = g * y, of_y = gate[c] * g;
        if constexpr (dual) {
          const float h = N::load(r.h + at + c);
          of_gate += h * N::load(r.dy + at + c);
          N::store(r.g_dy + at + c, gate[c] * h);
          if constexpr (gate_moves) {
            of_y += dgate[c] * h;
            g_dgate[c] += h * y;
          }
        }
        g_gate[c] += of_gate;
        g_bias[c] += of_y;
        N::store(r.g_y + at + c, of_y);
      }
    }
  }
}

}  // namespace

template <Isa isa>
template <class X, class Y>
void GateLoops<isa>::forward(const GateRows<X, Y>& r, int64_t from, int64_t to) {
  if (!r.dy) return forward_of<isa, false, false, false>(r, from, to);
  if (r.dx && r.dgate) return forward_of<isa, true, true, true>(r, from, to);
  if (r.dx) return forward_of<isa, true, true, false>(r, from, to);
  if (r.dgate) return forward_of<isa, true, false, true>(r, from, to);
  forward_of<isa, true, false, false>(r, from, to);
}

template <Isa isa>
template <class X, class Y>
void GateLoops<isa>::backward(const GateRows<X, Y>& r, int64_t from, int64_t to) {
  if (!r.dy) return backward_of<isa, false, false>(r, from, to);
  if (r.dgate) return backward_of<isa, true, true>(r, from, to);
  backward_of<isa, true, false>(r, from, to);
}

template void GateLoops<Isa::TTFM_ISA>::forward(const GateRows<float, float>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::forward(const GateRows<float, Bf16>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::forward(const GateRows<Bf16, Bf16>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::backward(const GateRows<float, float>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::backward(const GateRows<float, Bf16>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::backward(const GateRows<Bf16, Bf16>&, int64_t, int64_t);

}  // namespace ttfm::kernels
