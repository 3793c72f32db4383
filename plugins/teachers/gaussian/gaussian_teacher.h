// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <vector>

#include <ttfm/flow/gaussian.h>
#include <ttfm/flow/placed.h>
#include <ttfm/options.h>
#include <ttfm/teacher.h>

namespace ttfm::teacher {

/// The exact teacher of data x_1 ~ N(mean, sigma^2 I) in any shape, with its exact flow map and density.
class GaussianTeacher final : public Teacher, public ExactMap, public Density {
 public:
  struct Options {
    std::vector<double> mean{1.5};
    double sigma = 0.3;

    template <class Visitor>
    void describe(Visitor& v) {
      v("mean", mean, "of the data: one number for all elements of a sample, or one for each");
      v("sigma", sigma, "standard deviation of the data").above(0);
    }
  };

  /// @throws Error (config) when the mean has neither one number nor one for each element of a sample
  GaussianTeacher(const Options& options, const Config& config);

  const void* query(uint32_t id) const noexcept override;

  Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override;
  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t) const override;
  Tensor log_density(const Tensor& x) const override;

 private:
  flow::Placed<flow::Gaussian> data_;
};

}  // namespace ttfm::teacher
