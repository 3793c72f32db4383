// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/options.h>
#include <ttfm/sampler.h>

namespace ttfm::sampler {

/// Adaptive Runge-Kutta steps of order 5 with an error estimate of order 4: the reference for every teacher's endpoints.
class Dopri5Sampler final : public Sampler {
 public:
  struct Options {
    double rtol = 1e-5;
    double atol = 1e-5;

    template <class Visitor>
    void describe(Visitor& v) {
      v("rtol", rtol, "error of one step, relative to the state").min(0);
      v("atol", atol, "error of one step, absolute").above(0);
    }
  };

  explicit Dopri5Sampler(const Options& options) : options_(options) {}

  void traits(SamplerTraits& out) const override;

  /// @throws Error (numeric) when SampleInputs::evaluations() do not suffice, or the velocity is not finite
  void sample(const SampleInputs& in, const SampleResult& out) const override;

 private:
  double scaled_norm(const Tensor& error, const Tensor& x, const Tensor& y) const;
  double first_step(const Tensor& x, const Tensor& k_1) const;

  Options options_;
};

}  // namespace ttfm::sampler
