// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <algorithm>
#include <cstring>
#include <type_traits>

#include <ttfm/config.h>
#include <ttfm/field.h>
#include <ttfm/loss.h>
#include <ttfm/parameters.h>
#include <ttfm/sampler.h>

/// What stands behind the opaque pointer of each (H) type. libttfm only forwards to these; the host derives from them.
namespace ttfm {

/// Fills a caller's plain struct (S) from the host's: as much of it as both versions have.
template <class Struct>
void fill(Struct& to, const Struct& from) {
  static_assert(std::is_trivially_copyable_v<Struct>);
  const uint32_t size = std::min({to.struct_size, from.struct_size, uint32_t{sizeof(Struct)}});
  std::memcpy(&to, &from, size);
  to.struct_size = size;
}

struct ParameterSet::Impl {
  virtual ~Impl() = default;
  virtual void parameter(Name name, Tensor& value, uint32_t flags) = 0;
  virtual void buffer(Name name, Tensor& value) = 0;
};

struct Field::Impl {
  virtual ~Impl() = default;
  virtual Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const = 0;
  virtual void traits(NetworkTraits& out) const = 0;
};

struct FlowMap::Impl {
  virtual ~Impl() = default;
  virtual Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const = 0;
  virtual Dual derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                          const Call& call) const = 0;
  virtual void velocities(const Query* queries, size_t count, Tensor* out) const = 0;
  virtual const Field::Impl* diagonal() const = 0;
  virtual const FlowMap::Impl* stopped() const = 0;
  virtual void traits(NetworkTraits& out) const = 0;
};

struct LossInputs::Impl {
  Tensor x_0, x_1;
  const Call* call = nullptr;
  const Stream* stream = nullptr;
  int64_t step = 0, steps = 1;
  const FlowMap* student = nullptr;
  const Field* teacher = nullptr;
  const FlowMap* copies[4] = {};
};

struct LossResult::Impl {
  virtual ~Impl() = default;
  virtual void add(Name term, const Tensor& per_sample, double weight) = 0;
  virtual void record(Name name, const Tensor& value) = 0;
  virtual void refresh_copy(uint32_t i) = 0;
};

struct SampleInputs::Impl {
  Tensor x_0;
  const Call* call = nullptr;
  const Stream* stream = nullptr;
  int64_t evaluations = 1;
  const Field* field = nullptr;
  const FlowMap* flow_map = nullptr;
};

struct SampleResult::Impl {
  virtual ~Impl() = default;
  virtual void point(double t, const Tensor& x) = 0;
};

struct Config::Impl {
  virtual ~Impl() = default;
  virtual bool has(Name key) const = 0;
  virtual bool flag(Name key) const = 0;
  virtual int64_t integer(Name key) const = 0;
  virtual double number(Name key) const = 0;
  virtual Name text(Name key) const = 0;
  virtual at::ArrayRef<int64_t> integers(Name key) const = 0;
  virtual at::ArrayRef<double> numbers(Name key) const = 0;
  virtual int64_t rows(Name key) const = 0;
  virtual const FlowMap& student(Name key) const = 0;
  virtual at::IntArrayRef data_shape() const = 0;
  virtual int64_t data_classes() const = 0;
};

}  // namespace ttfm
