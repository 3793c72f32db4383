// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/addcmul.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>

#include <string>

#include <ttfm/error.h>
#include <ttfm/nn/activation.h>
#include <ttfm/nn/norm.h>

#include "nn/dual_norm.h"

namespace ttfm::nn {
namespace {

/// [B, D] as [B, 1, ..., D] with the rank of x; what has x's rank already stays.
template <Value V>
V per_token(const V& row, const Tensor& x) {
  if (primal(row).dim() == x.dim()) return row;
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape.front() = primal(row).size(0);
  shape.back() = primal(row).size(-1);
  return reshape(row, shape);
}

/// [C] or [B, C] as [C, 1, ...] or [B, C, 1, ...], to meet the channels of x.
template <Value V>
V per_channel(const V& channels, const Tensor& x) {
  auto shape = primal(channels).sizes().vec();
  shape.resize(shape.size() + static_cast<size_t>(x.dim()) - 2, 1);
  return reshape(channels, shape);
}

bool has_tangent(const Dual& a, const Dual& b = {}, const Dual& c = {}) {
  return a.tangent.defined() || b.tangent.defined() || c.tangent.defined();
}

Dual constant(const Tensor& x) { return {x, {}}; }

void register_affine(const Scope& scope, Tensor& weight, Tensor& bias) {
  scope.parameter("weight", weight, Init::ones(), parameter_flag::kNoDecay);
  scope.parameter("bias", bias, Init::zeros(), parameter_flag::kNoDecay);
}

}  // namespace

Tensor layer_norm(const Tensor& x, double eps) { return at::layer_norm(x, {x.size(-1)}, {}, {}, eps); }

Dual layer_norm(const Dual& x, double eps) {
  if (!has_tangent(x)) return {layer_norm(x.primal, eps), {}};
  return dual_norm(x, {}, {}, {.groups = 0, .eps = eps}, false);
}

Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps) {
  return at::addcmul(per_token(shift, x), layer_norm(x, eps), per_token(scale, x) + 1);
}

Dual layer_norm_modulate(const Dual& x, const Dual& shift, const Dual& scale, double eps) {
  if (!has_tangent(x, shift, scale)) return {layer_norm_modulate(x.primal, shift.primal, scale.primal, eps), {}};
  return dual_norm(x, per_token(scale + 1, x.primal), per_token(shift, x.primal), {.groups = 0, .eps = eps}, false);
}

LayerNorm::LayerNorm(int64_t width, double epsilon)
    : weight(nn::weight({width})), bias(nn::weight({width})), eps(epsilon) {}

void LayerNorm::parameters(const Scope& scope) { register_affine(scope, weight, bias); }

Tensor LayerNorm::operator()(const Tensor& x) const { return at::layer_norm(x, {x.size(-1)}, weight, bias, eps); }

Dual LayerNorm::operator()(const Dual& x) const {
  if (!has_tangent(x)) return {(*this)(x.primal), {}};
  return dual_norm(x, constant(weight), constant(bias), {.groups = 0, .eps = eps}, false);
}

GroupNorm::GroupNorm(int64_t group_count, int64_t channels, double epsilon)
    : weight(nn::weight({channels})), bias(nn::weight({channels})), groups(group_count), eps(epsilon) {
  if (group_count < 1 || channels % group_count != 0) {
    throw Error(ErrorKind::config, "group norm: " + std::to_string(group_count) + " groups do not divide " +
                                       std::to_string(channels) + " channels; choose a number of groups that does");
  }
}

void GroupNorm::parameters(const Scope& scope) { register_affine(scope, weight, bias); }

Tensor GroupNorm::operator()(const Tensor& x) const { return at::group_norm(x, groups, weight, bias, eps); }

Dual GroupNorm::operator()(const Dual& x) const {
  if (!has_tangent(x)) return {(*this)(x.primal), {}};
  return dual_norm(x, constant(per_channel(weight, x.primal)), constant(per_channel(bias, x.primal)),
                   {.groups = groups, .eps = eps}, false);
}

Tensor GroupNorm::silu(const Tensor& x) const { return nn::silu((*this)(x)); }

Dual GroupNorm::silu(const Dual& x) const {
  if (!has_tangent(x)) return {silu(x.primal), {}};
  return dual_norm(x, constant(per_channel(weight, x.primal)), constant(per_channel(bias, x.primal)),
                   {.groups = groups, .eps = eps}, true);
}

Tensor GroupNorm::modulate_silu(const Tensor& x, const Tensor& shift, const Tensor& scale) const {
  return nn::silu(at::addcmul(per_channel(shift, x), (*this)(x), per_channel(scale + 1, x)));
}

Dual GroupNorm::modulate_silu(const Dual& x, const Dual& shift, const Dual& scale) const {
  if (!has_tangent(x, shift, scale)) return {modulate_silu(x.primal, shift.primal, scale.primal), {}};
  // (xhat gamma + beta) (1 + scale) + shift, gathered into one scale and one shift for each channel of each row
  const Dual factor = scale + 1;
  return dual_norm(x, per_channel(factor * weight, x.primal), per_channel(factor * bias + shift, x.primal),
                   {.groups = groups, .eps = eps}, true);
}

}  // namespace ttfm::nn
