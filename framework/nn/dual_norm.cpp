// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/dual_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/native_group_norm.h>
#include <ATen/ops/native_group_norm_backward.h>
#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include <ttfm/nn/dual.h>

#include "nn/activation_derivatives.h"
#include "nn/dual_buffer.h"

namespace ttfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

/// xhat = (x - mean) rstd, and its Jacobian J, a symmetric matrix:  J w = rstd (w - <w> - xhat <xhat w>), with <> the
/// mean over the numbers that share statistics. J is what LibTorch's kernels of the norms' backward apply.
class Normaliser {
 public:
  Normaliser(const Tensor& x, const NormKind& kind) : kind_(kind), x_(laid_out(x)) {
    std::tie(xhat_, mean_, rstd_) = kind.groups == 0 ? at::native_layer_norm(x_, {x_.size(-1)}, {}, {}, kind.eps)
                                                     : at::native_group_norm(x_, {}, {}, x_.size(0), x_.size(1),
                                                                             positions(), kind.groups, kind.eps);
  }

  const Tensor& xhat() const { return xhat_; }

  /// J w
  Tensor jacobian_times(const Tensor& w) const {
    const Tensor same_layout = w.contiguous(x_.suggest_memory_format());
    if (kind_.groups == 0) {
      return std::get<0>(
          at::native_layer_norm_backward(same_layout, x_, {x_.size(-1)}, mean_, rstd_, {}, {}, {true, false, false}));
    }
    return std::get<0>(at::native_group_norm_backward(same_layout, x_, mean_, rstd_, {}, x_.size(0), x_.size(1),
                                                      positions(), kind_.groups, {true, false, false}));
  }

  /// <a b>, broadcasting against x.
  Tensor mean_product(const Tensor& a, const Tensor& b) const {
    const Tensor product = a * b;
    if (kind_.groups == 0) return product.mean(-1, /*keepdim=*/true);
    const Tensor grouped = product.unflatten(1, {kind_.groups, -1});
    std::vector<int64_t> within;
    for (int64_t i = 2; i < grouped.dim(); ++i) within.push_back(i);
    return by_channel(grouped.mean(within));
  }

  /// 1 / sqrt(var + eps), broadcasting against x.
  Tensor rstd() const { return kind_.groups == 0 ? rstd_ : by_channel(rstd_); }

 private:
  /// The layout that LibTorch's norms take without a copy of their own.
  static Tensor laid_out(const Tensor& x) {
    return x.contiguous(x.is_cpu() ? x.suggest_memory_format() : at::MemoryFormat::Contiguous);
  }
  int64_t positions() const { return x_.numel() / std::max<int64_t>(1, x_.size(0) * x_.size(1)); }

  /// [B, groups] as [B, C, 1, ...].
  Tensor by_channel(const Tensor& statistic) const {
    std::vector<int64_t> shape(static_cast<size_t>(x_.dim()), 1);
    shape[0] = x_.size(0);
    shape[1] = x_.size(1);
    return statistic.unsqueeze(-1).expand({-1, -1, x_.size(1) / kind_.groups}).reshape(shape);
  }

  NormKind kind_;
  Tensor x_, xhat_, mean_, rstd_;
};

/// The affine part: z = a xhat + b, z' = a xhat' + a' xhat + b'.
struct Affine {
  std::optional<Tensor> a, da, b, db;

  Halves apply(const Tensor& xhat, const Tensor& dxhat) const {
    if (!a) return {{}, xhat, dxhat};
    Halves z = empty_halves(xhat);
    at::addcmul_out(z.primal, *b, xhat, *a);
    if (dxhat.defined()) {
      at::mul_out(z.tangent, dxhat, *a);
      if (da) z.tangent.addcmul_(xhat, *da);
      if (db) z.tangent.add_(*db);
    } else if (da) {
      at::mul_out(z.tangent, xhat, *da);
      if (db) z.tangent.add_(*db);
    } else {
      z.tangent.copy_(*db);
    }
    return z;
  }
};

/// With the gradients g of z and h of z' carried to xhat and xhat' (G = a g + a' h, H = a h):
///
///   g_x' = J H
///   g_x  = J (G - rstd <xhat x'> H) - rstd (<H xhat'> xhat + <H xhat> xhat')
///
/// The second line is the derivative of <H, J x'>, where J depends on x through xhat and rstd. Saved are the inputs;
/// what lies between is computed again.
struct DualNorm : Function<DualNorm> {
  using Optional = std::optional<Tensor>;

  static variable_list forward(AutogradContext* context, const Tensor& x, const Optional& dx, const Optional& a,
                               const Optional& da, const Optional& b, const Optional& db, int64_t groups, double eps,
                               bool with_silu) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto or_undefined = [](const Optional& y) { return y.value_or(Tensor()); };
    context->save_for_backward(
        {x, or_undefined(dx), or_undefined(a), or_undefined(da), or_undefined(b), or_undefined(db)});
    context->saved_data["groups"] = groups;
    context->saved_data["eps"] = eps;
    context->saved_data["with_silu"] = with_silu;

    const Normaliser norm(x, {groups, eps});
    Halves z = Affine{a, da, b, db}.apply(norm.xhat(), dx ? norm.jacobian_times(*dx) : Tensor());
    if (with_silu) {
      Silu::times_derivative(z.tangent, z.primal, z.tangent);
      Silu::value(z.primal, z.primal);
    }
    return {z.primal, z.tangent};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    refuse_second_gradient("norm");
    at::AutoDispatchBelowADInplaceOrView guard;
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &dx = saved[1];
    const Affine affine{given(saved[2]), given(saved[3]), given(saved[4]), given(saved[5])};
    const NormKind kind{context->saved_data["groups"].toInt(), context->saved_data["eps"].toDouble()};

    const Normaliser norm(x, kind);
    const Tensor& xhat = norm.xhat();
    const Tensor dxhat = dx.defined() ? norm.jacobian_times(dx) : Tensor();
    Tensor g = gradients[0], h = gradients[1];
    if (context->saved_data["with_silu"].toBool()) {
      const Halves z = affine.apply(xhat, dxhat);
      g = Silu::times_derivative(g, z.primal).add_(Silu::times_second_derivative(h * z.tangent, z.primal));
      h = Silu::times_derivative(h, z.primal);
    }

    variable_list out(9);
    if (affine.a) {
      Tensor product = g * xhat;
      if (dxhat.defined()) product.addcmul_(h, dxhat);
      out[2] = product.sum_to_size(affine.a->sizes());
      out[4] = g.sum_to_size(affine.b->sizes());
      if (affine.da) out[3] = (h * xhat).sum_to_size(affine.da->sizes());
      if (affine.db) out[5] = h.sum_to_size(affine.db->sizes());
      g = g * *affine.a;
      if (affine.da) g.addcmul_(h, *affine.da);
      h = h * *affine.a;
    }
    if (!dx.defined()) {
      if (context->needs_input_grad(0)) out[0] = norm.jacobian_times(g);
      return out;
    }
    if (context->needs_input_grad(1)) out[1] = norm.jacobian_times(h);
    if (context->needs_input_grad(0)) {
      const Tensor rstd = norm.rstd();
      out[0] = norm.jacobian_times(at::addcmul(g, h, rstd * norm.mean_product(xhat, dx), -1));
      out[0].addcmul_(xhat, rstd * norm.mean_product(h, dxhat), -1);
      out[0].addcmul_(dxhat, rstd * norm.mean_product(h, xhat), -1);
    }
    return out;
  }
};

/// Statistics and tangents lose too much in 16 bits: those are computed in float.
Dual wide(const Dual& x) {
  const bool narrow =
      x.primal.defined() && (x.primal.scalar_type() == at::kBFloat16 || x.primal.scalar_type() == at::kHalf);
  return narrow ? linear_map(x, [](const Tensor& a) { return a.to(at::kFloat); }) : x;
}

}  // namespace

Dual dual_norm(const Dual& x, const Dual& scale, const Dual& shift, const NormKind& kind, bool with_silu) {
  const Dual y = wide(x), a = wide(scale), b = wide(shift);
  const auto out = DualNorm::apply(y.primal, given(y.tangent), given(a.primal), given(a.tangent), given(b.primal),
                                   given(b.tangent), kind.groups, kind.eps, with_silu);
  const auto type = x.primal.scalar_type();
  return {out[0].to(type), out[1].to(type)};
}

}  // namespace ttfm::nn
