// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/_softmax_backward_data.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <string>

#include <ttfm/activations.h>
#include <ttfm/error.h>
#include <ttfm/nn/attention.h>

#include "nn/dual_buffer.h"
#include "nn/head_attention.h"
#include "nn/loops.h"
#include "nn/precision.h"

namespace ttfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

Tensor row_dot(const Tensor& a, const Tensor& b) { return (a * b).sum(-1, /*keepdim=*/true); }

/// Softmax attention with its derivative. Matrices are [batch and heads, N, .]; c = 1/sqrt(d); o is the entrywise
/// product and rowsum keeps the dimension.
///
///   S = softmax(c q k^T)     dL = c (dq k^T + q dk^T)     dS = S o (dL - rowsum(S o dL))
///   O = S v                  dO = dS v + S dv
///
/// With the gradients g of O and h of dO, every row sum of the backward pass is one of small matrices:
///
///   r = rowsum(h o O)                     U   = h v^T - r
///   rho = rowsum(g o O + h o dO)          g_dL = S o U
///                                         g_L  = S o (g v^T + h dv^T - rho) + U o dS
///   g_q = c (g_L k + g_dL dk)    g_k = c (g_L^T q + g_dL^T dq)    g_v  = S^T g + dS^T h
///   g_dq = c g_dL k              g_dk = c g_dL^T q                g_dv = S^T h
struct DualAttention : Function<DualAttention> {
  static variable_list forward(AutogradContext* context, const Tensor& q, const Tensor& k, const Tensor& v,
                               const Tensor& dq, const Tensor& dk, const Tensor& dv) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const int64_t n = q.size(2), d = q.size(3), matrices = q.size(0) * q.size(1);
    const auto flat = [&](const Tensor& first, const Tensor& second) {
      return at::cat({first, second}, -1).reshape({matrices, -1, 2 * d});  // cat keeps a channels-last layout
    };
    // pairs side by side: one product has both terms of a sum
    const Tensor qq = flat(dq, q).mul_(1 / std::sqrt(static_cast<double>(d)));
    const Tensor kk = flat(k, dk);
    const Tensor vv = flat(v, dv);
    const Tensor keys = kk.narrow(-1, 0, d), values = vv.narrow(-1, 0, d);

    const Tensor s = at::softmax(at::bmm(qq.narrow(-1, d, d), keys.mT()), -1);
    const Tensor ds = at::_softmax_backward_data(at::bmm(qq, kk.mT()), s, -1, s.scalar_type());
    Halves out = split(at::empty({2 * q.size(0), q.size(1), n, d}, q.options()));
    Tensor o = out.primal.view({matrices, n, d}), d_o = out.tangent.view({matrices, n, d});
    at::bmm_out(o, s, values);
    at::bmm_out(d_o, s, vv.narrow(-1, d, d));
    d_o.baddbmm_(ds, values);

    context->save_for_backward({qq, kk, vv, s, ds, o, d_o});
    return {out.primal, out.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    refuse_second_gradient("attention");
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const Tensor &qq = saved[0], &kk = saved[1], &vv = saved[2], &s = saved[3], &ds = saved[4];
    const Tensor &o = saved[5], &d_o = saved[6];
    const int64_t d = o.size(-1);
    const double c = 1 / std::sqrt(static_cast<double>(d));
    const auto shape = gradients[0].sizes();
    const auto first = [d](const Tensor& pair) { return pair.narrow(-1, 0, d); };
    const auto second = [d](const Tensor& pair) { return pair.narrow(-1, d, d); };

    const Tensor gh = at::cat({gradients[0], gradients[1]}, -1).reshape({o.size(0), -1, 2 * d});
    const Tensor g = first(gh), h = second(gh);
    const Tensor rho = row_dot(g, o).add_(row_dot(h, d_o));
    const Tensor u = at::bmm(h, first(vv).mT()).sub_(row_dot(h, o));
    const Tensor g_dl = s * u;
    const Tensor g_l = at::bmm(gh, vv.mT()).sub_(rho).mul_(s).addcmul_(u, ds);

    Tensor g_qq = at::bmm(g_dl, kk);  // [g_dq | part of g_q] / c
    second(g_qq).baddbmm_(g_l, first(kk));
    g_qq.mul_(c);
    Tensor g_kk = at::bmm(g_dl.mT(), qq);  // [part of g_k | g_dk]; qq has the factor c
    first(g_kk).baddbmm_(g_l.mT(), second(qq));
    Tensor g_vv = at::bmm(s.mT(), gh);  // [part of g_v | g_dv]
    first(g_vv).baddbmm_(ds.mT(), h);

    const auto shaped = [&](const Tensor& half) { return half.unflatten(0, {shape[0], shape[1]}); };
    return {shaped(second(g_qq)), shaped(first(g_kk)),  shaped(first(g_vv)),
            shaped(first(g_qq)),  shaped(second(g_kk)), shaped(second(g_vv))};
  }
};

/// [B, N, 3 D] to [B, N, D] by attention() of its parts.
template <Value V>
V composed_attention(const V& projected, int64_t heads) {
  const int64_t rows = primal(projected).size(0), tokens = primal(projected).size(1);
  const int64_t width = primal(projected).size(2) / 3;
  const V qkv = permute(reshape(projected, {rows, tokens, 3, heads, width / heads}), {2, 0, 3, 1, 4});
  const auto part = [&](int64_t i) { return linear_map(qkv, [i](const Tensor& a) { return a.select(0, i); }); };
  return reshape(transpose(attention(part(0), part(1), part(2)), 1, 2), {rows, tokens, width});
}

/// The same on projected tokens as they come, by head_attention.h.
struct HeadAttention : Function<HeadAttention> {
  static variable_list forward(AutogradContext* context, const Tensor& p, const std::optional<Tensor>& t, int64_t heads,
                               bool keeps) {
    const Below guard;
    const Dual qkv{p, t.value_or(Tensor())};
    const Attention out = head_attention_forward(qkv, heads, keeps);
    context->save_for_backward({p, qkv.tangent, out.o.primal, out.o.tangent, out.weights.primal, out.weights.tangent});
    context->saved_data["heads"] = heads;
    if (!qkv.tangent.defined()) return {out.o.primal};
    return {out.o.primal, out.o.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const int64_t heads = context->saved_data["heads"].toInt();
    const Dual qkv{saved[0], saved[1]};
    if (c10::GradMode::is_enabled()) {
      if (qkv.tangent.defined()) refuse_second_gradient("attention");
      return {recorded(qkv.primal, heads, gradients[0]), Tensor(), Tensor(), Tensor()};
    }
    const Below guard;
    const Dual g{gradients[0].contiguous(), qkv.tangent.defined() ? gradients[1].contiguous() : Tensor()};
    const Attention of{.o = {saved[2], saved[3]}, .weights = {saved[4], saved[5]}};
    const Dual out = head_attention_backward(qkv, heads, of, g);
    return {out.primal, out.tangent, Tensor(), Tensor()};
  }

 private:
  /// The plain form's gradient with a history of its own.
  static Tensor recorded(const Tensor& qkv, int64_t heads, const Tensor& gradient) {
    return torch::autograd::grad({composed_attention(qkv, heads)}, {qkv}, {gradient}, true, /*create_graph=*/true)[0];
  }
};

/// Of a transformer's block what is kept for the gradient is some dozen times as wide as its tokens. Weights are kept while
/// they are no more than what its hidden layer of 4 D keeps: without them a gradient takes a product and a softmax more.
bool keeps_weights(const Tensor& qkv, int64_t heads) {
  const int64_t tokens = qkv.size(1), width = qkv.size(2) / 3;
  return c10::GradMode::is_enabled() && qkv.requires_grad() && !recomputes_activations() && heads * tokens <= 4 * width;
}

template <Value V>
V attention_of(const V& qkv, int64_t heads) {
  const Tensor& x = primal(qkv);
  if (!loops_take(x)) return composed_attention(qkv, heads);
  const auto whole = [](const Tensor& a) { return a.contiguous(); };
  const bool keeps = keeps_weights(x, heads);
  if constexpr (std::same_as<V, Tensor>) {
    return HeadAttention::apply(whole(x), std::nullopt, heads, keeps)[0];
  } else {
    const Dual y = linear_map(qkv, whole);
    const auto out = HeadAttention::apply(y.primal, given(y.tangent), heads, keeps);
    return {out[0], out.size() > 1 ? out[1] : Tensor()};
  }
}

}  // namespace

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  return at::scaled_dot_product_attention(q, k, v);
}

Dual attention(const Dual& q, const Dual& k, const Dual& v) {
  if (!q.tangent.defined() && !k.tangent.defined() && !v.tangent.defined()) {
    return {attention(q.primal, k.primal, v.primal), {}};
  }
  const auto out =
      DualAttention::apply(q.primal, k.primal, v.primal, tangent_or_zeros(q), tangent_or_zeros(k), tangent_or_zeros(v));
  return {out[0], out[1]};
}

SelfAttention::SelfAttention(int64_t width, int64_t head_count, Init qkv_start, Init out_start)
    : qkv(width, 3 * width, qkv_start), out(width, width, out_start), heads(head_count) {
  if (head_count < 1 || width % head_count != 0) {
    throw Error(ErrorKind::config, "attention: " + std::to_string(head_count) + " heads do not divide the width " +
                                       std::to_string(width) + "; choose a number of heads that does");
  }
}

void SelfAttention::parameters(const Scope& scope) {
  qkv.parameters(scope / "qkv");
  out.parameters(scope / "out");
}

Tensor SelfAttention::operator()(const Tensor& x) const { return product(Pending<Tensor>{.x = x}).value(); }
Dual SelfAttention::operator()(const Dual& x) const { return product(Pending<Dual>{.x = x}).value(); }

template <Value V>
Biased<V> SelfAttention::product(const Pending<V>& x) const {
  return out.product(Pending<V>{.x = attention_of(qkv(x), heads)});
}

template Biased<Tensor> SelfAttention::product(const Pending<Tensor>&) const;
template Biased<Dual> SelfAttention::product(const Pending<Dual>&) const;

}  // namespace ttfm::nn
