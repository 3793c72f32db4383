// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "conformance/program/weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <set>

#include <ttfm/conformance/numbers.h>

#include "facade/impl.h"

namespace ttfm::conformance {
namespace {

struct Collector final : ParameterSet::Impl {
  explicit Collector(std::vector<Weights::Weight>& to) : out(to) {}
  void parameter(Name name, Tensor& value, uint32_t) override { out.push_back({std::string(name), &value, true}); }
  void buffer(Name name, Tensor& value) override { out.push_back({std::string(name), &value, false}); }
  std::vector<Weights::Weight>& out;
};

}  // namespace

Weights Weights::of(const std::function<void(ParameterSet&)>& parameters) {
  Weights weights;
  Collector collector(weights.all);
  ParameterSet set(&collector);
  parameters(set);
  return weights;
}

std::vector<std::string> Weights::twice() const {
  std::vector<std::string> found;
  std::set<std::string> names;
  std::set<const Tensor*> places;
  for (const Weight& each : all) {
    const bool name = names.insert(each.name).second, place = places.insert(each.value).second;
    if (!name || !place) found.push_back(each.name);
  }
  return found;
}

std::vector<std::string> Weights::undefined() const {
  std::vector<std::string> found;
  for (const Weight& each : all) {
    if (!each.value->defined()) found.push_back(each.name);
  }
  return found;
}

void Weights::convert(c10::ScalarType dtype) const {
  for (const Weight& each : all) {
    if (each.value->is_floating_point()) each.value->set_data(each.value->to(dtype));
  }
}

void Weights::randomise(uint64_t seed, c10::ScalarType dtype) const {
  const Stream numbers = stream(seed, c10::ScalarType::Double);
  for (const Weight& each : all) {
    if (!each.trained) continue;
    const Tensor& value = *each.value;
    const double fan_in = value.dim() > 1 ? static_cast<double>(value.numel() / value.size(0)) : 1.0;
    each.value->set_data((numbers.child(each.name).normal(value.sizes()) / std::sqrt(fan_in)).to(dtype));
  }
  convert(dtype);
}

void Weights::copy_from(const Weights& other) const {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < all.size() && i < other.all.size(); ++i) all[i].value->copy_(*other.all[i].value);
}

void Weights::record_gradients(bool on) const {
  for (const Weight& each : all) {
    if (each.trained) each.value->requires_grad_(on);
  }
}

}  // namespace ttfm::conformance
