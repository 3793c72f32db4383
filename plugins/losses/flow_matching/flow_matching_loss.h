// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/flow/times.h>
#include <ttfm/loss.h>
#include <ttfm/options.h>

namespace ttfm::loss {

/// Flow matching: a student's diagonal learns the velocity of the linear path, which makes it a teacher.
class FlowMatchingLoss final : public Loss {
 public:
  struct Options {
    double label_dropout = 0.1;
    flow::TimeOptions time{};

    template <class Visitor>
    void describe(Visitor& v) {
      v("label_dropout", label_dropout, "share of the labels replaced by \"none\"; guidance needs some").min(0).max(1);
      time.describe(v);
    }
  };

  explicit FlowMatchingLoss(const Options& options) : options_(options) {}

  void compute(const LossInputs& in, const LossResult& out) const override;

 private:
  Call with_dropped_labels(const LossInputs& in) const;

  Options options_;
};

}  // namespace ttfm::loss
