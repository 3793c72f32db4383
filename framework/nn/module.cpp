// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <string>

#include <ttfm/error.h>
#include <ttfm/nn/module.h>

namespace ttfm::nn {
namespace {

struct Fans {
  double in;
  double out;
};

/// Of a weight [out, in, kernel...].
Fans fans(const Tensor& value) {
  if (value.dim() < 2 || value.numel() == 0) {
    throw Error(ErrorKind::internal, "nn::Init: a start by fans needs a weight [out, in, ...], got one with " +
                                         std::to_string(value.dim()) + " dimension(s)");
  }
  const double field = static_cast<double>(value.numel()) / static_cast<double>(value.size(0) * value.size(1));
  return {static_cast<double>(value.size(1)) * field, static_cast<double>(value.size(0)) * field};
}

Tensor symmetric(const Stream& stream, at::IntArrayRef shape, double bound) {
  return stream.uniform(shape).mul_(2 * bound).sub_(bound);
}

}  // namespace

void Init::fill(Tensor& value, const Stream& stream) const {
  at::NoGradGuard no_grad;
  switch (kind) {
    case Kind::constant:
      value.fill_(scale);
      return;
    case Kind::uniform:
      value.copy_(symmetric(stream, value.sizes(), scale));
      return;
    case Kind::normal:
      value.copy_(stream.normal(value.sizes()).mul_(scale));
      return;
    case Kind::fan_in_uniform:
      value.copy_(symmetric(stream, value.sizes(), scale / std::sqrt(fans(value).in)));
      return;
    case Kind::xavier_uniform:
      value.copy_(symmetric(stream, value.sizes(), scale * std::sqrt(6 / (fans(value).in + fans(value).out))));
      return;
  }
}

std::string Scope::full_name(Name name) const {
  return prefix_.empty() ? std::string(name) : prefix_ + "." + std::string(name);
}

Scope Scope::operator/(Name part) const {
  Scope inner = *this;
  inner.prefix_ = full_name(part);
  return inner;
}

Scope Scope::operator/(int64_t index) const { return *this / std::to_string(index); }

void Scope::parameter(Name name, Tensor& value, const Init& init, uint32_t flags) const {
  const std::string full = full_name(name);
  if (set_ != nullptr) set_->parameter(full, value, flags);
  if (stream_ != nullptr) init.fill(value, stream_->child(full));
}

void Scope::buffer(Name name, Tensor& value, const Tensor& contents) const {
  if (set_ != nullptr) set_->buffer(full_name(name), value);
  if (stream_ == nullptr) return;
  at::NoGradGuard no_grad;
  value.copy_(contents);
}

Tensor weight(at::IntArrayRef shape) { return at::zeros(shape, at::TensorOptions().dtype(at::kFloat)); }

}  // namespace ttfm::nn
