// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

#include <ttfm/nn/conv.h>

#include "nn/dual_buffer.h"

namespace ttfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

Tensor convolve(const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias, int64_t stride,
                int64_t padding) {
  return at::convolution(x, weight, bias, {stride, stride}, {padding, padding}, {1, 1}, /*transposed=*/false, {0, 0},
                         /*groups=*/1);
}

/// [p'; t'] = W * [p; t] + [b; 0], one convolution of twice the batch.
struct DualConv2d : Function<DualConv2d> {
  static variable_list forward(AutogradContext* context, const Tensor& p, const Tensor& t, const Tensor& weight,
                               const Tensor& bias, int64_t stride, int64_t padding) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({p, t, weight});
    context->saved_data["stride"] = stride;
    context->saved_data["padding"] = padding;
    Halves out = split(convolve(joined(p, t), weight, std::nullopt, stride, padding));
    out.primal.add_(bias.view({1, -1, 1, 1}));
    return {out.primal, out.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    refuse_second_gradient("conv2d");
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const int64_t stride = context->saved_data["stride"].toInt();
    const int64_t padding = context->saved_data["padding"].toInt();

    const bool needs_input = context->needs_input_grad(0) || context->needs_input_grad(1);
    const auto [inputs, weight, unused] = at::convolution_backward(
        joined(gradients[0], gradients[1]), joined(saved[0], saved[1]), saved[2], at::OptionalIntArrayRef(),
        {stride, stride}, {padding, padding}, {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1,
        {needs_input, context->needs_input_grad(2), false});

    variable_list out(6);
    if (needs_input) {
      const Halves halves = split(inputs);
      out[0] = halves.primal;
      out[1] = halves.tangent;
    }
    out[2] = weight;
    if (context->needs_input_grad(3)) out[3] = gradients[0].sum({0, 2, 3});
    return out;
  }
};

}  // namespace

Conv2d::Conv2d(int64_t in, int64_t out, Shape form)
    : Conv2d(in, out, form, Init::fan_in(),
             Init::uniform(1 / std::sqrt(static_cast<double>(in * form.kernel * form.kernel)))) {}

Conv2d::Conv2d(int64_t in, int64_t out, Shape form, Init weight_start, Init bias_start)
    : weight(nn::weight({out, in, form.kernel, form.kernel})),
      bias(nn::weight({out})),
      shape(form),
      weight_init(weight_start),
      bias_init(bias_start) {}

void Conv2d::parameters(const Scope& scope) {
  scope.parameter("weight", weight, weight_init);
  scope.parameter("bias", bias, bias_init, parameter_flag::kNoDecay);
}

Tensor Conv2d::operator()(const Tensor& x) const { return convolve(x, weight, bias, shape.stride, shape.padding); }

Dual Conv2d::operator()(const Dual& x) const {
  if (!x.tangent.defined()) return {(*this)(x.primal), {}};
  const auto out = DualConv2d::apply(x.primal, x.tangent, weight, bias, shape.stride, shape.padding);
  return {out[0], out[1]};
}

}  // namespace ttfm::nn
