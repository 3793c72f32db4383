// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/Tensor.h>

#include <cmath>

#include <ttfm/nn/conv.h>

#include "nn/dual_buffer.h"
#include "nn/fused.h"

namespace ttfm::nn {

Conv2d::Conv2d(int64_t in, int64_t out, Shape form)
    : Conv2d(in, out, form, Init::fan_in(),
             Init::uniform(1 / std::sqrt(static_cast<double>(in * form.kernel * form.kernel)))) {}

Conv2d::Conv2d(int64_t in, int64_t out, Shape form, Init weight_start, Init bias_start)
    : weight(nn::weight({out, in, form.kernel, form.kernel}).contiguous(at::MemoryFormat::ChannelsLast)),
      bias(nn::weight({out})),
      shape(form),
      weight_init(weight_start),
      bias_init(bias_start) {}

void Conv2d::parameters(const Scope& scope) {
  scope.parameter("weight", weight, weight_init);
  scope.parameter("bias", bias, bias_init, parameter_flag::kNoDecay);
}

Tensor Conv2d::operator()(const Tensor& x) const { return (*this)(Pending<Tensor>{.x = x}); }
Dual Conv2d::operator()(const Dual& x) const { return (*this)(Pending<Dual>{.x = x}); }

template <Value V>
V Conv2d::operator()(const Pending<V>& x) const {
  const Product product{.kind = Product::Kind::conv2d, .stride = shape.stride, .padding = shape.padding};
  return fused(product, x, weight, bias);
}

namespace {

Tensor channels_last(const Tensor& x) { return x.is_cpu() ? x.contiguous(at::MemoryFormat::ChannelsLast) : x; }

}  // namespace

Tensor laid_out_for_convolutions(const Tensor& x) { return channels_last(x); }
Dual laid_out_for_convolutions(const Dual& x) { return on_both(x, channels_last); }

template Tensor Conv2d::operator()(const Pending<Tensor>&) const;
template Dual Conv2d::operator()(const Pending<Dual>&) const;

}  // namespace ttfm::nn
