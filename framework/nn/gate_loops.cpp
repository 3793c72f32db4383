// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/gate.h"
#include "nn/loop_tensors.h"

namespace ttfm::nn {

using namespace loop;

namespace {

template <class X, class Y>
kernels::GateRows<X, Y> gate_rows(at::IntArrayRef shape, const Dual& gate, const Dual& y, const Tensor& bias) {
  kernels::GateRows<X, Y> rows;
  rows.columns = shape.back();
  rows.rows_per_sample = c10::multiply_integers(shape.slice(1)) / rows.columns;
  rows.y = in<Y>(y.primal);
  rows.dy = in<Y>(y.tangent);
  rows.bias = numbers(bias);
  rows.gate = numbers(gate.primal);
  rows.dgate = numbers(gate.tangent);
  rows.stride = gate.primal.stride(0);
  return rows;
}

Tensor bias_or_zeros(const Tensor& bias, const Tensor& y) {
  return bias.defined() ? bias : at::zeros({y.size(-1)}, y.options().dtype(at::kFloat));
}

/// Gates whose rows lie alike.
Dual aligned_gate(const Dual& gate) {
  Dual own{gate.primal.stride(-1) == 1 ? gate.primal : gate.primal.contiguous(), gate.tangent};
  if (own.tangent.defined() && own.tangent.strides() != own.primal.strides()) {
    own = {own.primal.contiguous(), own.tangent.contiguous()};
  }
  return own;
}

}  // namespace

Dual gate_forward(const Dual& x, const Dual& gate, const Dual& y, const Tensor& bias) {
  RECORD_FUNCTION("ttfm::gate_forward", kNothing);
  const Tensor whole_bias = bias_or_zeros(bias, y.primal);
  const Dual own_gate = aligned_gate(gate);
  const Dual sum = empty_value(x.primal, y.tangent.defined(), x.primal.scalar_type());
  with_types(x.primal.scalar_type(), y.primal.scalar_type(), [&](auto x_type, auto y_type) {
    using X = decltype(x_type);
    auto rows = gate_rows<X, decltype(y_type)>(y.primal.sizes(), own_gate, y, whole_bias);
    rows.x = in<X>(x.primal);
    rows.dx = in<X>(x.tangent);
    rows.out = out_of<X>(sum.primal);
    rows.dout = out_of<X>(sum.tangent);
    over_samples(y.primal, [&](int64_t from, int64_t to) {
      kernels::dispatch<kernels::GateLoops>([&](auto loops) { loops.forward(rows, from, to); });
    });
  });
  return sum;
}

GateGradients gate_backward(const Dual& gate, const Dual& y, const Tensor& bias, const Dual& g, at::ScalarType type) {
  RECORD_FUNCTION("ttfm::gate_backward", kNothing);
  const bool all_of_them = y.primal.defined();
  const Dual own_gate = aligned_gate(gate);
  const int64_t samples = g.primal.size(0), columns = g.primal.size(-1);
  const Dual g_y = empty_value(g.primal, g.tangent.defined(), type);
  Tensor whole_bias, g_bias;
  Dual g_gate;
  if (all_of_them) {
    whole_bias = bias_or_zeros(bias, y.primal);
    g_gate = {rows_for(gate.primal, samples, columns), rows_for(gate.tangent, samples, columns)};
    g_bias = rows_for(whole_bias, samples, columns);
  }
  with_types(g.primal.scalar_type(), type, [&](auto x_type, auto y_type) {
    using X = decltype(x_type);
    using Y = decltype(y_type);
    auto rows = gate_rows<X, Y>(g.primal.sizes(), own_gate, y, whole_bias);
    rows.g = in<X>(g.primal);
    rows.h = in<X>(g.tangent);
    rows.g_y = out_of<Y>(g_y.primal);
    rows.g_dy = out_of<Y>(g_y.tangent);
    rows.g_gate = results(g_gate.primal);
    rows.g_dgate = results(g_gate.tangent);
    rows.g_bias = results(g_bias);
    over_samples(g.primal, [&](int64_t from, int64_t to) {
      kernels::dispatch<kernels::GateLoops>([&](auto loops) { loops.backward(rows, from, to); });
    });
  });
  return {g_gate, g_y, all_of_them && bias.defined() ? g_bias.sum(0) : Tensor()};
}

}  // namespace ttfm::nn
