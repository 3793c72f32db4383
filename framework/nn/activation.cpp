// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sigmoid_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tanh_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <numbers>

#include <ttfm/nn/activation.h>

#include "nn/activation_derivatives.h"
#include "nn/dual_buffer.h"

namespace ttfm::nn {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// f''(x) = s (1 - s) (2 + x (1 - 2 s)), s = sigmoid(x).
Tensor Silu::times_second_derivative(const Tensor& w, const Tensor& x) {
  const Tensor s = at::sigmoid(x);
  const Tensor ws = at::sigmoid_backward(w, s);  // w s (1 - s)
  return at::addcmul(x, x, s, -2).add_(2).mul_(ws);
}
void Silu::value(const Tensor& x, Tensor& out) { at::silu_out(out, x); }
void Silu::times_derivative(const Tensor& w, const Tensor& x, Tensor& out) { at::silu_backward_out(out, w, x); }
Tensor Silu::times_derivative(const Tensor& w, const Tensor& x) { return at::silu_backward(w, x); }

/// With z = k (x + c x^3), T = tanh z:  f''(x) = (1 - T^2) (z' + x (z''/2 - T z'^2)).
Tensor Gelu::times_second_derivative(const Tensor& w, const Tensor& x) {
  constexpr double k = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
  constexpr double c = 0.044715;
  const Tensor x2 = x * x;
  const Tensor slope = (x2 * (3 * c * k)).add_(k);                         // z'
  const Tensor tanh = (x2 * (c * k)).add_(k).mul_(x).tanh_();              // T
  Tensor bracket = at::addcmul(x * (3 * c * k), tanh * slope, slope, -1);  // z''/2 - T z'^2
  bracket = at::addcmul(slope, bracket, x);
  return bracket.mul_(at::tanh_backward(w, tanh));  // w (1 - T^2)
}
void Gelu::value(const Tensor& x, Tensor& out) { at::gelu_out(out, x, "tanh"); }
void Gelu::times_derivative(const Tensor& w, const Tensor& x, Tensor& out) { at::gelu_backward_out(out, w, x, "tanh"); }
Tensor Gelu::times_derivative(const Tensor& w, const Tensor& x) { return at::gelu_backward(w, x, "tanh"); }

namespace {

/// p' = f(p), t' = f'(p) t. With the gradients a of p' and b of t':  g_p = a f'(p) + b t f''(p),  g_t = b f'(p).
template <class F>
struct DualActivation : Function<DualActivation<F>> {
  static variable_list forward(AutogradContext* context, const Tensor& p, const Tensor& t) {
    at::AutoDispatchBelowADInplaceOrView guard;
    context->save_for_backward({p, t});
    Halves out = empty_halves(p);
    F::value(p, out.primal);
    F::times_derivative(t, p, out.tangent);
    return {out.primal, out.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    refuse_second_gradient(F::kName);
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const Tensor &p = saved[0], &t = saved[1];
    const Tensor &a = gradients[0], &b = gradients[1];
    Halves g = empty_halves(p);
    F::times_derivative(a, p, g.primal);
    g.primal.add_(F::times_second_derivative(b * t, p));
    F::times_derivative(b, p, g.tangent);
    return {g.primal, g.tangent};
  }
};

template <class F>
Dual activate(const Dual& x, Tensor (*plain)(const Tensor&)) {
  if (!x.tangent.defined()) return {plain(x.primal), {}};
  const auto out = DualActivation<F>::apply(x.primal, x.tangent);
  return {out[0], out[1]};
}

}  // namespace

Tensor silu(const Tensor& x) { return at::silu(x); }
Dual silu(const Dual& x) { return activate<Silu>(x, &nn::silu); }

Tensor gelu(const Tensor& x) { return at::gelu(x, "tanh"); }
Dual gelu(const Dual& x) { return activate<Gelu>(x, &nn::gelu); }

}  // namespace ttfm::nn
