// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/field.h>

namespace ttfm {

/// What a sampler can work on. (S)
struct SamplerTraits {
  uint32_t struct_size = sizeof(SamplerTraits);  ///< leave it at its default
  bool field = false;                            ///< integrates a Field
  bool flow_map = false;                         ///< composes a FlowMap
  bool adaptive = false;  ///< chooses its own number of evaluations; SampleInputs::evaluations() is then a bound
  bool reserved = false;  ///< false
  int64_t evaluations_per_step = 1;  ///< the host rounds a requested number of evaluations to a multiple of it
};

/// What a sampler is given. Exactly one of field() and flow_map() is not null. (H)
class TTFM_API SampleInputs final {
 public:
  const Tensor& x_0() const;        ///< noise, [B, ...]
  const Call& call() const;         ///< labels, to be handed on
  const Stream& stream() const;     ///< the sampler's randomness; rows are numbered globally
  int64_t evaluations() const;      ///< network evaluations to spend, >= 1
  const Field* field() const;       ///< to be integrated; null where flow_map() is not
  const FlowMap* flow_map() const;  ///< to be composed; null where field() is not

  struct Impl;
  explicit SampleInputs(const Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  const Impl* impl_;
};

/// Where a sampler puts its trajectory. (H)
class TTFM_API SampleResult final {
 public:
  /// The state at time t, in increasing order of t; the last call has t = 1 exactly, and its x is the sample.
  void point(double t, const Tensor& x) const;

  struct Impl;
  explicit SampleResult(Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  Impl* impl_;
};

/// Draws samples from a teacher's field or a student's flow map. (P) The host counts the evaluations, not the sampler.
class TTFM_API Sampler : public Interface {
 public:
  ~Sampler() override;

  /// Says what it works on. Called once, after construction; `out` has its defaults.
  virtual void traits(SamplerTraits& out) const;

  /// Carries in.x_0() from t = 0 to t = 1. Grad mode is off.
  virtual void sample(const SampleInputs& in, const SampleResult& out) const;
};

}  // namespace ttfm
