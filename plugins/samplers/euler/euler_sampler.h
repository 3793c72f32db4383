// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/sampler.h>

namespace ttfm::sampler {

/// Euler steps of equal length of the teacher's ODE; one evaluation a step, order 1.
class EulerSampler final : public Sampler {
 public:
  void traits(SamplerTraits& out) const override;
  void sample(const SampleInputs& in, const SampleResult& out) const override;
};

}  // namespace ttfm::sampler
