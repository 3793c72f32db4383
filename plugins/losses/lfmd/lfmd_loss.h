// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/flow/times.h>
#include <ttfm/loss.h>
#include <ttfm/options.h>

namespace ttfm::loss {

/// Lagrangian flow map distillation: the student's terminal velocity is the teacher's velocity where the student ends.
class LfmdLoss final : public Loss {
 public:
  enum class StopGradient : uint32_t { none = 0, teacher = 1 };
  enum class Norm : uint32_t { squared = 0, huber = 1 };
  enum class Weight : uint32_t { one = 0, inverse_gap = 1 };

  struct Options {
    StopGradient stop_gradient = StopGradient::none;
    Norm norm = Norm::squared;
    double huber_delta = 1;
    Weight weight = Weight::one;
    double lambda_init = 0;
    flow::TimePairOptions time{};

    template <class Visitor>
    void describe(Visitor& v) {
      v.choice("stop_gradient", stop_gradient, {"none", "teacher"}, "teacher: none flows through the teacher's input");
      v.choice("norm", norm, {"squared", "huber"}, "of the residual, for each element");
      v("huber_delta", huber_delta, "where norm = huber turns from square to linear").above(0);
      v.choice("weight", weight, {"one", "inverse_gap"}, "w(s,t): 1, or min(5, 1/(t-s)) in favour of short gaps");
      v("lambda_init", lambda_init, "weight of the initial term |u_{s,s}(x_s) - v_s(x_s)|^2; 0: left out").min(0);
      time.describe(v);
    }
  };

  explicit LfmdLoss(const Options& options) : options_(options) {}

  void needs(LossNeeds& out) const override;
  void compute(const LossInputs& in, const LossResult& out) const override;

 private:
  Tensor distance(const Tensor& a, const Tensor& b) const;
  Tensor weighted(const Tensor& per_sample, const Tensor& s, const Tensor& t) const;

  Options options_;
};

}  // namespace ttfm::loss
