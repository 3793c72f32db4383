// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <cmath>

#include <ttfm/nn/linear.h>

#include "nn/fused.h"

namespace ttfm::nn {
namespace {

constexpr Product kLinear{.kind = Product::Kind::linear};

}  // namespace

Linear::Linear(int64_t in, int64_t out) : Linear(in, out, Init::fan_in(), Init::uniform(1 / std::sqrt(in))) {}

Linear::Linear(int64_t in, int64_t out, Init weight_start, Init bias_start)
    : weight(nn::weight({out, in})), bias(nn::weight({out})), weight_init(weight_start), bias_init(bias_start) {}

void Linear::parameters(const Scope& scope) {
  scope.parameter("weight", weight, weight_init);
  scope.parameter("bias", bias, bias_init, parameter_flag::kNoDecay);
}

Tensor Linear::operator()(const Tensor& x) const { return (*this)(Pending<Tensor>{.x = x}); }
Dual Linear::operator()(const Dual& x) const { return (*this)(Pending<Dual>{.x = x}); }

template <Value V>
V Linear::operator()(const Pending<V>& x) const {
  return fused(kLinear, x, weight, bias);
}

template <Value V>
Biased<V> Linear::product(const Pending<V>& x) const {
  return {fused(kLinear, x, weight, Tensor()), bias};
}

template Tensor Linear::operator()(const Pending<Tensor>&) const;
template Dual Linear::operator()(const Pending<Dual>&) const;
template Biased<Tensor> Linear::product(const Pending<Tensor>&) const;
template Biased<Dual> Linear::product(const Pending<Dual>&) const;

}  // namespace ttfm::nn
