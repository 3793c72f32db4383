// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/flat_parameters.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include <ttfm/error.h>

#include "run/weights.h"

namespace ttfm::train {
namespace {

constexpr int64_t kAlignment = 64 / sizeof(float);

int64_t aligned(int64_t length) { return (length + kAlignment - 1) / kAlignment * kAlignment; }

bool is_channels_last(const Tensor& x) {
  return x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) && !x.is_contiguous();
}

}  // namespace

void ParameterCollector::add(std::vector<Entry>& list, Name name, Tensor& value, uint32_t flags) const {
  const auto fail = [&](const char* what) {
    throw Error(ErrorKind::plugin, owner_ + ": parameter '" + std::string(name) + "' " + what);
  };
  if (name.empty()) fail("has no name");
  if (!value.defined()) fail("is undefined: give it its shape before it is named");
  for (const auto* entries : {&parameters_, &buffers_}) {
    for (const Entry& entry : *entries) {
      if (entry.name == name) fail("is named twice");
    }
  }
  list.push_back({std::string(name), &value, flags});
}

void ParameterCollector::parameter(Name name, Tensor& value, uint32_t flags) {
  if (value.defined() && !value.is_floating_point()) {
    throw Error(ErrorKind::plugin, owner_ + ": parameter '" + std::string(name) + "' is not of a floating type");
  }
  add(parameters_, name, value, flags);
}

void ParameterCollector::buffer(Name name, Tensor& value) { add(buffers_, name, value, 0); }

Tensor FlatParameters::View::row_by_row_of(const Tensor& given) const {
  return given.narrow(0, offset, c10::multiply_integers(shape)).view(shape);
}

Tensor FlatParameters::View::of(const Tensor& flat) const {
  if (!channels_last) return row_by_row_of(flat);
  const Tensor numbers = flat.narrow(0, offset, c10::multiply_integers(shape));
  return numbers.view({shape[0], shape[2], shape[3], shape[1]}).permute({0, 3, 1, 2});
}

FlatParameters::FlatParameters(const ParameterCollector& collected, c10::Device device, bool trainable) {
  const at::NoGradGuard no_grad;
  std::vector<ParameterCollector::Entry> order = collected.parameters();
  const auto no_decay = [](const auto& entry) { return (entry.flags & parameter_flag::kNoDecay) != 0; };
  std::stable_sort(order.begin(), order.end(), [&](const auto& a, const auto& b) { return no_decay(a) < no_decay(b); });

  int64_t length = 0;
  for (const auto& entry : order) {
    if (!no_decay(entry)) with_decay_ = length + aligned(entry.value->numel());
    views_.push_back(
        {entry.name, entry.value->sizes().vec(), length, device.is_cpu() && is_channels_last(*entry.value)});
    length += aligned(entry.value->numel());
    count_ += entry.value->numel();
  }

  values_ = at::zeros({length}, at::TensorOptions().dtype(at::kFloat).device(device));
  if (trainable) gradient_ = at::zeros_like(values_);
  for (size_t i = 0; i < order.size(); ++i) {
    const Tensor view = views_[i].of(values_);
    view.copy_(*order[i].value);
    Tensor leaf = view.detach();
    if (trainable) {
      leaf.set_requires_grad(true);
      leaf.mutable_grad() = views_[i].of(gradient_);
    }
    *order[i].value = leaf;
  }
  for (const auto& entry : collected.buffers()) {
    *entry.value = entry.value->to(device);
    buffers_.push_back({entry.name, *entry.value});
  }
}

void FlatParameters::compute_in(at::ScalarType type) {
  shadow_ = type == at::kFloat ? nullptr : std::make_unique<ShadowWeights>(values_, type);
}

void FlatParameters::clear_gradient() {
  if (!gradient_clear_) gradient_.zero_();
  gradient_clear_ = false;
}

std::vector<NamedTensor> FlatParameters::named_in(const Tensor& flat) const {
  std::vector<NamedTensor> named;
  for (const View& view : views_) named.push_back({view.name, view.of(flat)});
  named.insert(named.end(), buffers_.begin(), buffers_.end());
  return named;
}

bool FlatParameters::all_row_by_row() const {
  return std::none_of(views_.begin(), views_.end(), [](const View& view) { return view.channels_last; });
}

Tensor FlatParameters::row_by_row(const Tensor& flat) const {
  if (all_row_by_row()) return flat;
  const at::NoGradGuard no_grad;
  Tensor out = at::zeros_like(flat);
  for (const View& view : views_) view.row_by_row_of(out).copy_(view.of(flat));
  return out;
}

void FlatParameters::from_row_by_row(const Tensor& given, const Tensor& flat) const {
  const at::NoGradGuard no_grad;
  for (const View& view : views_) view.of(flat).copy_(view.row_by_row_of(given));
}

void FlatParameters::load(const std::vector<NamedTensor>& given, const std::string& source) const {
  run::copy_weights(named(), given, source);
}

}  // namespace ttfm::train
