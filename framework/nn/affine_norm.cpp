// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/affine_norm.h"

#include <ATen/ops/addcmul.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>

#include <ttfm/nn/activation.h>

#include "nn/dual_norm.h"

namespace ttfm::nn {
namespace {

/// [B, D] as [B, 1, ..., D] with the rank of x; [D] and what has x's rank stay.
template <Value V>
V per_token(const V& row, const Tensor& x) {
  if (!primal(row).defined() || primal(row).dim() != 2 || x.dim() == 2) return row;
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape.front() = primal(row).size(0);
  shape.back() = primal(row).size(-1);
  return reshape(row, shape);
}

/// [C] or [B, C] as [C, 1, ...] or [B, C, 1, ...], to meet the channels of x.
template <Value V>
V per_channel(const V& channels, const Tensor& x) {
  if (!primal(channels).defined()) return channels;
  auto shape = primal(channels).sizes().vec();
  shape.resize(shape.size() + static_cast<size_t>(x.dim()) - 2, 1);
  return reshape(channels, shape);
}

bool has_tangent(const Dual& a, const Dual& b, const Dual& c) {
  return a.tangent.defined() || b.tangent.defined() || c.tangent.defined();
}

}  // namespace

Tensor affine_layer_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, double eps) {
  const Tensor xhat = at::layer_norm(x, {x.size(-1)}, {}, {}, eps);
  return scale.defined() ? at::addcmul(per_token(shift, x), xhat, per_token(scale, x)) : xhat;
}

Dual affine_layer_norm(const Dual& x, const Dual& scale, const Dual& shift, double eps) {
  if (!has_tangent(x, scale, shift)) return {affine_layer_norm(x.primal, scale.primal, shift.primal, eps), {}};
  return dual_norm(x, per_token(scale, x.primal), per_token(shift, x.primal), {.groups = 0, .eps = eps}, false);
}

Tensor affine_group_norm(const Tensor& x, const Tensor& scale, const Tensor& shift, int64_t groups, double eps,
                         bool with_silu) {
  const Tensor xhat = at::group_norm(x, groups, {}, {}, eps);
  const Tensor z = scale.defined() ? at::addcmul(per_channel(shift, x), xhat, per_channel(scale, x)) : xhat;
  return with_silu ? nn::silu(z) : z;
}

Dual affine_group_norm(const Dual& x, const Dual& scale, const Dual& shift, int64_t groups, double eps,
                       bool with_silu) {
  if (!has_tangent(x, scale, shift)) {
    return {affine_group_norm(x.primal, scale.primal, shift.primal, groups, eps, with_silu), {}};
  }
  return dual_norm(x, per_channel(scale, x.primal), per_channel(shift, x.primal), {.groups = groups, .eps = eps},
                   with_silu);
}

}  // namespace ttfm::nn
