// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <ttfm/nn/pending.h>

#include "nn/dual_buffer.h"
#include "nn/loops.h"
#include "nn/precision.h"

namespace ttfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;
using Optional = std::optional<Tensor>;

/// [B, C] as [B, 1, ..., C] with the rank of y.
template <Value V>
V per_token(const V& gate, const Tensor& y) {
  std::vector<int64_t> shape(static_cast<size_t>(y.dim()), 1);
  shape.front() = primal(gate).size(0);
  shape.back() = primal(gate).size(-1);
  return reshape(gate, shape);
}

template <Value V>
V composed(const V& x, const V& gate, const Biased<V>& y) {
  return add_gated(x, per_token(gate, primal(y.y)), y.value());
}

/// The arguments are x, dx, gate, dgate, y, dy, bias.
struct Gated : Function<Gated> {
  enum { kX, kDx, kGate, kDgate, kY, kDy, kBias, kTensors };

  static variable_list forward(AutogradContext* context, const Tensor& x, const Optional& dx, const Tensor& gate,
                               const Optional& dgate, const Tensor& y, const Optional& dy, const Optional& bias) {
    const Below guard;
    const auto plain = [](const Optional& z) { return z.value_or(Tensor()); };
    // y is read for the gradient of the gate, and that of the bias is summed up beside it: a frozen network wants neither
    const bool keeps = gate.requires_grad() || (dgate && dgate->requires_grad()) || (bias && bias->requires_grad());
    context->save_for_backward({gate, plain(dgate), keeps ? y : Tensor(), keeps ? plain(dy) : Tensor(), plain(bias)});
    context->saved_data["type"] = static_cast<int64_t>(y.scalar_type());
    context->saved_data["x_moves"] = dx.has_value();
    const Dual sum = gate_forward({x, plain(dx)}, {gate, plain(dgate)}, {y, plain(dy)}, plain(bias));
    if (!sum.tangent.defined()) return {sum.primal};
    return {sum.primal, sum.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const Dual gate{saved[0], saved[1]}, y{saved[2], saved[3]};
    const Tensor& bias = saved[4];
    const auto type = static_cast<at::ScalarType>(context->saved_data["type"].toInt());
    variable_list out(kTensors);
    out[kX] = gradients[0];
    if (context->saved_data["x_moves"].toBool()) out[kDx] = gradients[1];
    if (c10::GradMode::is_enabled()) {
      if (gradients.size() > 1) refuse_second_gradient("gated residual");
      const Tensor g = gradients[0], wide_gate = per_token(gate.primal, g);
      out[kY] = g * wide_gate;
      if (!y.primal.defined()) return out;
      const Tensor whole = bias.defined() ? y.primal + bias : y.primal;
      out[kGate] = (g * whole).sum_to_size(wide_gate.sizes()).view(gate.primal.sizes());
      if (bias.defined()) out[kBias] = out[kY].sum_to_size(bias.sizes());
      return out;
    }
    const Below guard;
    Dual g{gradients[0].contiguous(), {}};
    if (gradients.size() > 1) g.tangent = gradients[1].contiguous();
    const GateGradients of = gate_backward(gate, y, bias, g, type);
    out[kGate] = of.gate.primal;
    out[kDgate] = of.gate.tangent;
    out[kY] = of.y.primal;
    out[kDy] = of.y.tangent;
    out[kBias] = of.bias;
    return out;
  }
};

bool loops_take_all(const Tensor& x, const Tensor& gate, const Tensor& y, const Tensor& bias) {
  // bfloat16 rows do not take float ones in
  const bool types = x.scalar_type() == y.scalar_type() || x.scalar_type() == at::kFloat;
  return loops_take(x) && loops_take(y) && types && x.sizes() == y.sizes() && gate.dim() == 2 &&
         gate.size(0) == y.size(0) && gate.size(1) == y.size(-1) && is_row_for(bias, y);
}

}  // namespace

Tensor add_gated(const Tensor& x, const Tensor& gate, const Biased<Tensor>& y) {
  if (!loops_take_all(x, gate, y.y, y.bias)) return composed(x, gate, y);
  return Gated::apply(x.contiguous(), std::nullopt, gate.to(at::kFloat), std::nullopt, y.y.contiguous(), std::nullopt,
                      given(as_row(y.bias)))[0];
}

Dual add_gated(const Dual& x, const Dual& gate, const Biased<Dual>& y) {
  const bool moves = x.tangent.defined() || gate.tangent.defined() || y.y.tangent.defined();
  if (!moves) return {add_gated(x.primal, gate.primal, {y.y.primal, y.bias}), {}};
  if (!loops_take_all(x.primal, gate.primal, y.y.primal, y.bias)) return composed(x, gate, y);
  const auto whole = [](const Tensor& a) { return a.contiguous(); };
  const auto wide = [](const Tensor& a) { return a.to(at::kFloat); };
  const Dual own_x = linear_map(x, whole), own_gate = linear_map(gate, wide), own_y = linear_map(y.y, whole);
  const auto out = Gated::apply(own_x.primal, given(own_x.tangent), own_gate.primal, given(own_gate.tangent),
                                own_y.primal, given(tangent_or_zeros(own_y)), given(as_row(y.bias)));
  return {out[0], out[1]};
}

}  // namespace ttfm::nn
