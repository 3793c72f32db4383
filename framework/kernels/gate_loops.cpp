// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/gate.h"
#include "kernels/vector.h"

namespace ttfm::kernels {
namespace {

template <bool dual, bool x_moves, bool gate_moves, class X, class Y>
void forward_of(const GateRows<X, Y> r, int64_t from, int64_t to) {
  const int64_t n = r.columns;
  for (int64_t sample = from; sample < to; ++sample) {
    const float* gate = r.gate + sample * r.stride;
    const float* dgate = gate_moves ? r.dgate + sample * r.stride : nullptr;
    for (int64_t at = sample * r.rows_per_sample * n; at < (sample + 1) * r.rows_per_sample * n; at += n) {
      each(n, [&]<class W>(int64_t c) {
        const W y = read<W>(r.y + at + c) + read<W>(r.bias + c), factor = read<W>(gate + c);
        write(r.out + at + c, read<W>(r.x + at + c) + factor * y);
        if constexpr (dual) {
          W tangent = factor * read<W>(r.dy + at + c);
          if constexpr (x_moves) tangent += read<W>(r.dx + at + c);
          if constexpr (gate_moves) tangent += read<W>(dgate + c) * y;
          write(r.dout + at + c, tangent);
        }
      });
    }
  }
}

/// all_of_them: of the gate and the bias too.
template <bool dual, bool gate_moves, bool all_of_them, class X, class Y>
void backward_of(const GateRows<X, Y> r, int64_t from, int64_t to) {
  const int64_t n = r.columns;
  for (int64_t sample = from; sample < to; ++sample) {
    const float* gate = r.gate + sample * r.stride;
    const float* dgate = gate_moves ? r.dgate + sample * r.stride : nullptr;
    float* g_gate = all_of_them ? r.g_gate + sample * n : nullptr;
    float* g_dgate = all_of_them && gate_moves ? r.g_dgate + sample * n : nullptr;
    float* g_bias = all_of_them ? r.g_bias + sample * n : nullptr;
    for (int64_t at = sample * r.rows_per_sample * n; at < (sample + 1) * r.rows_per_sample * n; at += n) {
      each(n, [&]<class W>(int64_t c) {
        const W g = read<W>(r.g + at + c), factor = read<W>(gate + c);
        W of_y = factor * g, h = {};
        if constexpr (dual) {
          h = read<W>(r.h + at + c);
          write(r.g_dy + at + c, factor * h);
          if constexpr (gate_moves) of_y += read<W>(dgate + c) * h;
        }
        write(r.g_y + at + c, of_y);
        if constexpr (all_of_them) {
          const W y = read<W>(r.y + at + c) + read<W>(r.bias + c);
          W of_gate = g * y;
          if constexpr (dual) of_gate += h * read<W>(r.dy + at + c);
          if constexpr (dual && gate_moves) add_to(g_dgate + c, h * y);
          add_to(g_gate + c, of_gate);
          add_to(g_bias + c, of_y);
        }
      });
    }
  }
}

}  // namespace

template <Isa isa>
template <class X, class Y>
void GateLoops<isa>::forward(const GateRows<X, Y>& r, int64_t from, int64_t to) {
  if (!r.dy) return forward_of<false, false, false>(r, from, to);
  if (r.dx && r.dgate) return forward_of<true, true, true>(r, from, to);
  if (r.dx) return forward_of<true, true, false>(r, from, to);
  if (r.dgate) return forward_of<true, false, true>(r, from, to);
  forward_of<true, false, false>(r, from, to);
}

template <Isa isa>
template <class X, class Y>
void GateLoops<isa>::backward(const GateRows<X, Y>& r, int64_t from, int64_t to) {
  const auto with_form = [&]<bool dual, bool gate_moves>() {
    if (r.y) return backward_of<dual, gate_moves, true>(r, from, to);
    backward_of<dual, gate_moves, false>(r, from, to);
  };
  if (!r.h) return with_form.template operator()<false, false>();
  if (r.dgate) return with_form.template operator()<true, true>();
  with_form.template operator()<true, false>();
}

template void GateLoops<Isa::TTFM_ISA>::forward(const GateRows<float, float>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::forward(const GateRows<float, Bf16>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::forward(const GateRows<Bf16, Bf16>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::backward(const GateRows<float, float>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::backward(const GateRows<float, Bf16>&, int64_t, int64_t);
template void GateLoops<Isa::TTFM_ISA>::backward(const GateRows<Bf16, Bf16>&, int64_t, int64_t);

}  // namespace ttfm::kernels
