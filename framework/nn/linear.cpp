// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include <ttfm/nn/linear.h>

#include "nn/dual_buffer.h"

namespace ttfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

Tensor rows_of(const Tensor& x) { return x.reshape({-1, x.size(-1)}); }

/// [a; b] m as halves, shaped like `a` with another last dimension.
Halves product(const Tensor& a, const Tensor& b, const Tensor& m) {
  auto shape = a.sizes().vec();
  shape.back() = m.size(1);
  Halves out = empty_halves(a.new_empty({}).expand(shape));
  if (const auto both = joined_view(a, b)) {
    Tensor rows = rows_of(out.both);
    at::mm_out(rows, rows_of(*both), m);
  } else {
    Tensor first = rows_of(out.primal), second = rows_of(out.tangent);
    at::mm_out(first, rows_of(a), m);
    at::mm_out(second, rows_of(b), m);
  }
  return out;
}

/// p' = p W^T + b, t' = t W^T. With the gradients g of p' and h of t':
///   g_p = g W,  g_t = h W,  g_W = g^T p + h^T t,  g_b = sum of g's rows.
struct DualLinear : Function<DualLinear> {
  static variable_list forward(AutogradContext* context, const Tensor& p, const Tensor& t, const Tensor& weight,
                               const Tensor& bias) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({p, t, weight});
    Halves out = product(p, t, weight.t());
    out.primal.add_(bias);
    return {out.primal, out.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    refuse_second_gradient("linear");
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const Tensor &p = saved[0], &t = saved[1], &weight = saved[2];
    const Tensor &g = gradients[0], &h = gradients[1];

    variable_list out(4);
    if (context->needs_input_grad(0) && context->needs_input_grad(1)) {
      const Halves inputs = product(g, h, weight);
      out[0] = inputs.primal;
      out[1] = inputs.tangent;
    } else {
      if (context->needs_input_grad(0)) out[0] = at::mm(rows_of(g), weight).view(p.sizes());
      if (context->needs_input_grad(1)) out[1] = at::mm(rows_of(h), weight).view(p.sizes());
    }
    if (context->needs_input_grad(2)) {
      const auto x = joined_view(p, t), y = joined_view(g, h);
      out[2] = x && y ? at::mm(rows_of(*y).t(), rows_of(*x))
                      : at::mm(rows_of(g).t(), rows_of(p)).addmm_(rows_of(h).t(), rows_of(t));
    }
    if (context->needs_input_grad(3)) out[3] = rows_of(g).sum(0);
    return out;
  }
};

}  // namespace

Linear::Linear(int64_t in, int64_t out) : Linear(in, out, Init::fan_in(), Init::uniform(1 / std::sqrt(in))) {}

Linear::Linear(int64_t in, int64_t out, Init weight_start, Init bias_start)
    : weight(nn::weight({out, in})), bias(nn::weight({out})), weight_init(weight_start), bias_init(bias_start) {}

void Linear::parameters(const Scope& scope) {
  scope.parameter("weight", weight, weight_init);
  scope.parameter("bias", bias, bias_init, parameter_flag::kNoDecay);
}

Tensor Linear::operator()(const Tensor& x) const { return at::linear(x, weight, bias); }

Dual Linear::operator()(const Dual& x) const {
  if (!x.tangent.defined()) return {(*this)(x.primal), {}};
  const auto out = DualLinear::apply(x.primal, x.tangent, weight, bias);
  return {out[0], out[1]};
}

}  // namespace ttfm::nn
