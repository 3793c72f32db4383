// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <vector>

#include <ttfm/dataset.h>
#include <ttfm/flow/gaussian_mixture.h>
#include <ttfm/options.h>
#include <ttfm/teacher.h>

namespace ttfm {

/// x_1 ~ sum_k w_k N(mu_k, sigma_k^2 I), by default 8 Gaussians on a circle of radius 3. Endless, with exact density.
class GaussianMixtureDataset final : public Dataset, public Density {
 public:
  struct Options : flow::GaussianMixtureOptions {
    bool labels = false;

    template <class Visitor>
    void describe(Visitor& v) {
      flow::GaussianMixtureOptions::describe(v);
      v("labels", labels, "give the component of each sample as its class");
    }
  };

  explicit GaussianMixtureDataset(const Options& options);

  const void* query(uint32_t id) const noexcept override;
  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;
  Tensor log_density(const Tensor& x) const override;

 private:
  flow::GaussianMixtureTable table_;
  flow::GaussianMixture mixture_;
  std::vector<double> cumulative_;  ///< sums of the weights
  bool labels_;
};

}  // namespace ttfm
