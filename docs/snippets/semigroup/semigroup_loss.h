// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/flow/times.h>
#include <ttfm/loss.h>
#include <ttfm/options.h>

namespace ttfm::loss {

/// Self-consistency of a flow map: one jump ends where two of half its length end.
class SemigroupLoss final : public Loss {
 public:
  struct Options {
    double decay = 0.99;
    double lambda_init = 1;
    flow::TimePairOptions time{};

    template <class Visitor>
    void describe(Visitor& v) {
      v("decay", decay, "of the average of the student that makes the two short jumps").min(0).below(1);
      v("lambda_init", lambda_init, "weight of the initial term").above(0);
      time.describe(v);
    }
  };

  explicit SemigroupLoss(const Options& options) : options_(options) {}

  void needs(LossNeeds& out) const override;
  void compute(const LossInputs& in, const LossResult& out) const override;

 private:
  Options options_;
};

}  // namespace ttfm::loss
