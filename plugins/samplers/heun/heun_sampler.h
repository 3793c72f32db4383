// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/sampler.h>

namespace ttfm::sampler {

/// Heun steps of equal length of the teacher's ODE; two evaluations a step, order 2.
class HeunSampler final : public Sampler {
 public:
  void traits(SamplerTraits& out) const override;
  void sample(const SampleInputs& in, const SampleResult& out) const override;
};

}  // namespace ttfm::sampler
