// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <string>

#include <ttfm/error.h>
#include <ttfm/nn/norm.h>

#include "nn/fused.h"

namespace ttfm::nn {
namespace {

template <Value V>
V computed(const Pending<V>& norm) {
  return fused(Product{}, norm, Tensor(), Tensor());
}

void register_affine(const Scope& scope, Tensor& weight, Tensor& bias) {
  scope.parameter("weight", weight, Init::ones(), parameter_flag::kNoDecay);
  scope.parameter("bias", bias, Init::zeros(), parameter_flag::kNoDecay);
}

template <Value V>
Pending<V> layer_norm_of(const V& x, const V& scale, const V& shift, double eps) {
  return {.kind = Pending<V>::Kind::layer_norm, .x = x, .scale = scale, .shift = shift, .eps = eps};
}

template <Value V>
Pending<V> group_norm_of(const GroupNorm& norm, const V& x, const V& scale, const V& shift, bool with_silu) {
  return {.kind = Pending<V>::Kind::group_norm,
          .x = x,
          .scale = scale,
          .shift = shift,
          .groups = norm.groups,
          .eps = norm.eps,
          .with_silu = with_silu};
}

}  // namespace

Tensor layer_norm(const Tensor& x, double eps) { return computed(layer_norm_of<Tensor>(x, {}, {}, eps)); }
Dual layer_norm(const Dual& x, double eps) { return computed(layer_norm_of<Dual>(x, {}, {}, eps)); }

Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps) {
  return computed(pending_layer_norm_modulate(x, shift, scale, eps));
}
Dual layer_norm_modulate(const Dual& x, const Dual& shift, const Dual& scale, double eps) {
  return computed(pending_layer_norm_modulate(x, shift, scale, eps));
}

LayerNorm::LayerNorm(int64_t width, double epsilon)
    : weight(nn::weight({width})), bias(nn::weight({width})), eps(epsilon) {}

void LayerNorm::parameters(const Scope& scope) { register_affine(scope, weight, bias); }

Tensor LayerNorm::operator()(const Tensor& x) const { return computed(layer_norm_of<Tensor>(x, weight, bias, eps)); }
Dual LayerNorm::operator()(const Dual& x) const {
  return computed(layer_norm_of<Dual>(x, {weight, {}}, {bias, {}}, eps));
}

GroupNorm::GroupNorm(int64_t group_count, int64_t channels, double epsilon)
    : weight(nn::weight({channels})), bias(nn::weight({channels})), groups(group_count), eps(epsilon) {
  if (group_count < 1 || channels % group_count != 0) {
    throw Error(ErrorKind::config, "group norm: " + std::to_string(group_count) + " groups do not divide " +
                                       std::to_string(channels) + " channels; choose a number of groups that does");
  }
}

void GroupNorm::parameters(const Scope& scope) { register_affine(scope, weight, bias); }

template <Value V>
Pending<V> GroupNorm::pending(const V& x) const {
  return group_norm_of<V>(*this, x, V{weight}, V{bias}, false);
}

template <Value V>
Pending<V> GroupNorm::pending_silu(const V& x) const {
  return group_norm_of<V>(*this, x, V{weight}, V{bias}, true);
}

template <Value V>
Pending<V> GroupNorm::pending_modulate_silu(const V& x, const V& shift, const V& scale) const {
  // (xhat gamma + beta) (1 + scale) + shift, gathered into one scale and one shift for each channel of each row
  const V factor = scale + 1;
  return group_norm_of<V>(*this, x, factor * weight, factor * bias + shift, true);
}

Tensor GroupNorm::operator()(const Tensor& x) const { return computed(pending(x)); }
Dual GroupNorm::operator()(const Dual& x) const { return computed(pending(x)); }

Tensor GroupNorm::silu(const Tensor& x) const { return computed(pending_silu(x)); }
Dual GroupNorm::silu(const Dual& x) const { return computed(pending_silu(x)); }

Tensor GroupNorm::modulate_silu(const Tensor& x, const Tensor& shift, const Tensor& scale) const {
  return computed(pending_modulate_silu(x, shift, scale));
}
Dual GroupNorm::modulate_silu(const Dual& x, const Dual& shift, const Dual& scale) const {
  return computed(pending_modulate_silu(x, shift, scale));
}

template Pending<Tensor> GroupNorm::pending(const Tensor&) const;
template Pending<Dual> GroupNorm::pending(const Dual&) const;
template Pending<Tensor> GroupNorm::pending_silu(const Tensor&) const;
template Pending<Dual> GroupNorm::pending_silu(const Dual&) const;
template Pending<Tensor> GroupNorm::pending_modulate_silu(const Tensor&, const Tensor&, const Tensor&) const;
template Pending<Dual> GroupNorm::pending_modulate_silu(const Dual&, const Dual&, const Dual&) const;

}  // namespace ttfm::nn
