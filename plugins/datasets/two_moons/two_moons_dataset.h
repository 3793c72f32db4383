// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/dataset.h>
#include <ttfm/options.h>

namespace ttfm {

/// Two interleaved half circles, blurred by Gaussian noise and centred on the origin. Endless.
class TwoMoonsDataset final : public Dataset {
 public:
  struct Options {
    double radius = 2;
    double noise = 0.1;
    bool labels = false;

    template <class Visitor>
    void describe(Visitor& v) {
      v("radius", radius, "of both half circles").above(0);
      v("noise", noise, "standard deviation of the noise that is added to each coordinate").min(0);
      v("labels", labels, "give the moon of each sample as its class: 0 the upper, 1 the lower");
    }
  };

  explicit TwoMoonsDataset(const Options& options) : options_(options) {}

  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;

 private:
  Options options_;
};

}  // namespace ttfm
