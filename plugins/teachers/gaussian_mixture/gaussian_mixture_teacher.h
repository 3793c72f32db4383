// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/flow/gaussian_mixture.h>
#include <ttfm/flow/placed.h>
#include <ttfm/options.h>
#include <ttfm/teacher.h>

namespace ttfm::teacher {

/// The exact teacher of a mixture of Gaussians in any shape, with the data's density. It has the options of the data set
/// `gaussian_mixture`: what is written there is repeated here.
class GaussianMixtureTeacher final : public Teacher, public Density {
 public:
  using Options = flow::GaussianMixtureOptions;

  /// @throws Error (config) when the means have not as many columns as a sample has elements
  GaussianMixtureTeacher(const Options& options, const Config& config);

  const void* query(uint32_t id) const noexcept override;

  Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override;
  Tensor log_density(const Tensor& x) const override;

 private:
  flow::Placed<flow::GaussianMixture> data_;
};

}  // namespace ttfm::teacher
