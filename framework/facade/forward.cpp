// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The exported functions of the (H) types: one line each, to what the host put behind the pointer.
#include <ATen/TensorOperators.h>

#include <string>
#include <vector>

#include <ttfm/error.h>

#include "facade/impl.h"

namespace ttfm {

void ParameterSet::parameter(Name name, Tensor& value, uint32_t flags) { impl_->parameter(name, value, flags); }
void ParameterSet::buffer(Name name, Tensor& value) { impl_->buffer(name, value); }

Tensor Field::velocity(const Tensor& x, const Tensor& t, const Call& call) const { return impl_->velocity(x, t, call); }
void Field::traits(NetworkTraits& out) const { impl_->traits(out); }

Tensor FlowMap::velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
  return impl_->velocity(x, s, t, call);
}
Tensor FlowMap::operator()(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = x.size(0);
  return x + (t - s).view(shape) * impl_->velocity(x, s, t, call);
}
Dual FlowMap::derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                         const Call& call) const {
  return impl_->derivative(x, s, t, direction, call);
}
void FlowMap::velocities(const Query* queries, size_t count, Tensor* out) const {
  impl_->velocities(queries, count, out);
}
Field FlowMap::diagonal() const { return Field(impl_->diagonal()); }
FlowMap FlowMap::stopped() const { return FlowMap(impl_->stopped()); }
void FlowMap::traits(NetworkTraits& out) const { impl_->traits(out); }

const Tensor& LossInputs::x_0() const { return impl_->x_0; }
const Tensor& LossInputs::x_1() const {
  if (!impl_->x_1.defined()) throw Error(ErrorKind::plugin, "the loss asked for data without LossNeeds::data");
  return impl_->x_1;
}
const Call& LossInputs::call() const { return *impl_->call; }
const Stream& LossInputs::stream() const { return *impl_->stream; }
int64_t LossInputs::step() const { return impl_->step; }
int64_t LossInputs::steps() const { return impl_->steps; }
const FlowMap& LossInputs::student() const { return *impl_->student; }
const Field& LossInputs::teacher() const {
  if (!impl_->teacher) throw Error(ErrorKind::plugin, "the loss asked for the teacher without LossNeeds::teacher");
  return *impl_->teacher;
}
const FlowMap& LossInputs::copy(uint32_t i) const {
  if (i >= 4 || !impl_->copies[i]) {
    throw Error(ErrorKind::plugin,
                "the loss asked for copy " + std::to_string(i) + ", which LossNeeds does not declare");
  }
  return *impl_->copies[i];
}

void LossResult::add(Name term, const Tensor& per_sample, double weight) const { impl_->add(term, per_sample, weight); }
void LossResult::record(Name name, const Tensor& value) const { impl_->record(name, value); }
void LossResult::refresh_copy(uint32_t i) const { impl_->refresh_copy(i); }

const Tensor& SampleInputs::x_0() const { return impl_->x_0; }
const Call& SampleInputs::call() const { return *impl_->call; }
const Stream& SampleInputs::stream() const { return *impl_->stream; }
int64_t SampleInputs::evaluations() const { return impl_->evaluations; }
const Field* SampleInputs::field() const { return impl_->field; }
const FlowMap* SampleInputs::flow_map() const { return impl_->flow_map; }
void SampleResult::point(double t, const Tensor& x) const { impl_->point(t, x); }

bool Config::has(Name key) const { return impl_->has(key); }
bool Config::flag(Name key) const { return impl_->flag(key); }
int64_t Config::integer(Name key) const { return impl_->integer(key); }
double Config::number(Name key) const { return impl_->number(key); }
Name Config::text(Name key) const { return impl_->text(key); }
at::ArrayRef<int64_t> Config::integers(Name key) const { return impl_->integers(key); }
at::ArrayRef<double> Config::numbers(Name key) const { return impl_->numbers(key); }
int64_t Config::rows(Name key) const { return impl_->rows(key); }
const FlowMap& Config::student(Name key) const { return impl_->student(key); }
at::IntArrayRef Config::data_shape() const { return impl_->data_shape(); }
int64_t Config::data_classes() const { return impl_->data_classes(); }

}  // namespace ttfm
