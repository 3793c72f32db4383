// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/dataset.h>
#include <ttfm/options.h>

namespace ttfm {

/// Interleaved Archimedean spirals, blurred by Gaussian noise. Endless.
class SpiralsDataset final : public Dataset {
 public:
  struct Options {
    int64_t arms = 2;
    double turns = 1.5;
    double radius = 3;
    double noise = 0.1;
    bool labels = false;

    template <class Visitor>
    void describe(Visitor& v) {
      v("arms", arms, "spirals, turned against each other by equal angles").min(1);
      v("turns", turns, "of each arm around the origin").above(0);
      v("radius", radius, "where the arms end").above(0);
      v("noise", noise, "standard deviation of the noise that is added to each coordinate").min(0);
      v("labels", labels, "give the arm of each sample as its class");
    }
  };

  explicit SpiralsDataset(const Options& options) : options_(options) {}

  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;

 private:
  Options options_;
};

}  // namespace ttfm
