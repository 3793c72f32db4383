// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <array>
#include <cstdint>

#include <ttfm/flow/ode_step.h>
#include <ttfm/flow/rows.h>
#include <ttfm/flow/times.h>
#include <ttfm/loss.h>
#include <ttfm/options.h>

namespace ttfm::loss {

/// Initial/terminal velocity matching: the student learns the teacher's velocity where a jump begins, and the average
/// velocity that a target network and one step of the teacher's ODE give it where the jump ends. A class of losses:
/// LFMD is target = self, derivative = jvp, step = 1 and damping = 1 (no damping), stop_gradient = none, lambda_init = 0.
class ItvmLoss final : public Loss {
 public:
  enum class Target : uint32_t { ema = 0, self = 1, frozen = 2 };
  enum class Derivative : uint32_t { none = 0, jvp = 1, central = 2 };
  enum class StopGradient : uint32_t { target = 0, teacher = 1, none = 2 };
  enum class Weight : uint32_t { one = 0, gap = 1 };

  struct Options {
    double step = 0.2;
    flow::Integrator integrator = flow::Integrator::heun;
    Target target = Target::ema;
    double target_decay = 0.99;
    int64_t target_refresh = 500;
    Derivative derivative = Derivative::none;
    double damping = 0.5;
    StopGradient stop_gradient = StopGradient::target;
    double lambda_init = 1;
    Weight weight = Weight::one;
    flow::TimePairOptions time{};

    template <class Visitor>
    void describe(Visitor& v) {
      v("step", step, "h, the longest step of the teacher's ODE at the end of a jump").above(0);
      v.choice("integrator", integrator, {"heun", "euler", "rk4"}, "how that step is made");
      v.choice("target", target, {"ema", "self", "frozen"}, "the network that makes the target");
      v("target_decay", target_decay, "decay of target = ema, min(it, (1+i)/(10+i)) in step i").min(0).below(1);
      v("target_refresh", target_refresh, "steps between snapshots of target = frozen; 0: the start only").min(0);
      v.choice("derivative", derivative, {"none", "jvp", "central"}, "in the target: none, exact, or a difference");
      v("damping", damping, "gamma, the share of its residual that a target with a derivative takes").above(0).max(1);
      v.choice("stop_gradient", stop_gradient, {"target", "teacher", "none"},
               "what no gradient flows through: the target, the teacher's input in it, nothing");
      v("lambda_init", lambda_init, "weight of the initial term; 0: left out").min(0);
      v.choice("weight", weight, {"one", "gap"}, "w(s,t) of the terminal term: 1, or min(5, (t-s)/min(h, t-s))");
      time.describe(v);
    }
  };

  /// @throws Error (config) when gradients are asked to flow through the target of another network than the student
  explicit ItvmLoss(const Options& options);

  void needs(LossNeeds& out) const override;
  void compute(const LossInputs& in, const LossResult& out) const override;

 private:
  /// What u_{s,t} and u_{s,s} are to be at x_s: U and v_s, which is undefined without an initial term.
  struct Targets {
    Tensor terminal, initial;
  };

  FlowMap target_map(const LossInputs& in) const;
  Tensor step_share(const Tensor& s, const Tensor& t) const;
  std::array<Tensor, 2> ask_teacher(const LossInputs& in, const Tensor& x_s, const Tensor& s, const Tensor& x_r,
                                    const Tensor& r, const flow::Rows& far) const;
  Targets discrete_target(const LossInputs& in, const Tensor& x_s, const Tensor& s, const Tensor& t) const;
  Targets derivative_target(const LossInputs& in, const Tensor& x_s, const Tensor& s, const Tensor& t) const;
  Tensor weighted(const Tensor& per_sample, const Tensor& s, const Tensor& t) const;

  Options options_;
};

}  // namespace ttfm::loss
