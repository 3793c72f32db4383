// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/conformance/parameters.h>

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>

#include <cmath>
#include <stdexcept>

#include <ttfm/conformance/numbers.h>

#include "facade/impl.h"

namespace ttfm::conformance {
namespace {

using Weight = CollectedParameters::Weight;

class Collector final : public ParameterSet::Impl {
 public:
  explicit Collector(std::vector<Weight>& out) : out_(out) {}

  void parameter(Name name, Tensor& value, uint32_t flags) override { add(name, value, flags, true); }
  void buffer(Name name, Tensor& value) override { add(name, value, 0, false); }

 private:
  void add(Name name, Tensor& value, uint32_t flags, bool trained) {
    for (const Weight& each : out_) {
      if (each.name == name) ADD_FAILURE() << "two weights are called '" << name << "'";
    }
    out_.push_back({std::string(name), &value, flags, trained});
  }

  std::vector<Weight>& out_;
};

}  // namespace

CollectedParameters::CollectedParameters(Student& student) {
  Collector collector(weights_);
  ParameterSet set(&collector);
  student.parameters(set);
  for (const Weight& each : weights_) {
    if (each.trained) trained_.push_back(each);
  }
}

Tensor& CollectedParameters::operator[](Name name) const {
  for (const Weight& each : weights_) {
    if (each.name == name) return *each.value;
  }
  throw std::out_of_range("no weight is called '" + std::string(name) + "'");
}

void CollectedParameters::convert(c10::ScalarType dtype) {
  for (const Weight& each : weights_) each.value->set_data(each.value->to(dtype));
}

void CollectedParameters::randomise(uint64_t seed, double gain) {
  const Stream numbers = stream(seed, c10::ScalarType::Double);
  for (const Weight& each : trained_) {
    const Tensor& value = *each.value;
    const double fan_in = value.dim() > 1 ? static_cast<double>(value.numel() / value.size(0)) : 1.0;
    const Tensor drawn = numbers.child(each.name).normal(value.sizes()) * (gain / std::sqrt(fan_in));
    each.value->set_data(drawn.to(value.options()));
  }
}

void CollectedParameters::record_gradients(bool on) {
  for (const Weight& each : trained_) {
    each.value->mutable_grad() = Tensor();
    each.value->requires_grad_(on);
  }
}

std::vector<Tensor> CollectedParameters::snapshot() const {
  std::vector<Tensor> values;
  for (const Weight& each : trained_) values.push_back(each.value->detach().clone());
  return values;
}

}  // namespace ttfm::conformance
