// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <vector>

#include <ttfm/options.h>
#include <ttfm/sampler.h>

namespace ttfm::sampler {

/// Jumps of a student's flow map from one time of a grid to the next; one evaluation a jump.
class FlowMapSampler final : public Sampler {
 public:
  struct Options {
    std::vector<double> grid{};

    template <class Visitor>
    void describe(Visitor& v) {
      v("grid", grid, "rising times from 0 to 1 whose spacing the jumps follow; empty: equal jumps").min(0).max(1);
    }
  };

  /// @throws Error (config) for a grid that does not rise from 0 to 1
  explicit FlowMapSampler(const Options& options);

  void traits(SamplerTraits& out) const override;
  void sample(const SampleInputs& in, const SampleResult& out) const override;

 private:
  std::vector<double> grid_;
};

}  // namespace ttfm::sampler
