// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <utility>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/flow/ode_step.h>

#include "itvm_loss.h"

/// Which rows the networks are asked for, and that it is the loss of all rows nevertheless.
namespace ttfm::loss {
namespace {

using namespace ttfm::conformance;
using flow::Integrator;

using Options = ItvmLoss::Options;

/// A case in which labels and guidance change every network, so that each must get those of its rows.
struct ConditionedCase : OracleCase {
  ConditionedCase(int64_t batch, double h, uint64_t seed) : OracleCase(batch, {2}, 0.5, 0.3) {
    options.step = h;
    setup.seed = seed;
    setup.student = &student_map.facade();
    setup.teacher = &teacher.facade();
    setup.copies = {&target_map.facade()};
    setup.call.label = at::arange(batch);
    setup.call.guidance = setup.x_0.select(1, 0).contiguous();
  }

  static Tensor shift(const Tensor& x, const Call& call) {
    return flow::per_row((0.1 * call.label + call.guidance).to(x.options()), x);
  }
  Tensor u(const PerturbedStudent& network, const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
    return network.velocity(x, s, t) + shift(x, call) * flow::per_row(2 * t - s, x);
  }

  /// The terms as they are defined, every network asked for every row: what the loss may only compute with less work.
  std::pair<Tensor, Tensor> terms(const LossOutcome& out) const {
    const Tensor x = x_s(out), s = out.records.at("s"), t = out.records.at("t"), r = (t - options.step).max(s);
    const bool self = options.target == ItvmLoss::Target::self;
    const auto stop_unless = [](bool flows, const Tensor& value) { return flows ? value : value.detach(); };
    const Tensor u_e = stop_unless(options.stop_gradient != ItvmLoss::StopGradient::target,
                                   u(self ? student : target, x, s, r, setup.call));
    const Tensor x_r = stop_unless(options.stop_gradient == ItvmLoss::StopGradient::none, flow::advance(x, s, r, u_e));
    const Tensor v_bar = flow::mean_velocity(options.integrator, TestField(v).facade(), x_r, r, t, setup.call);
    const Tensor a = flow::per_row(options.step / (t - s).clamp_min(options.step), x);
    const Tensor u_s = u(student, x, s, s, setup.call), u_t = u(student, x, s, t, setup.call);
    return {(u_t - ((1 - a) * u_e + a * v_bar)).square().mean(1), (u_s - v(x, s, setup.call)).square().mean(1)};
  }

  const FieldFunction v = [this](const Tensor& x, const Tensor& t, const Call& call) {
    return exact.velocity(x, t) + shift(x, call) * x;
  };
  const TestMap student_map{[this](const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
    return u(student, x, s, t, call);
  }};
  const TestMap target_map{
      [this](const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) { return u(target, x, s, t, call); },
      /*copy=*/true};
  const TestField teacher{v};
  Options options;
};

int64_t count(const Tensor& rows) { return rows.sum().item<int64_t>(); }

/// Rows with t-s > h.
int64_t count_far(const LossOutcome& out, double h) { return count(out.records.at("t") - out.records.at("s") > h); }

struct Work {
  Integrator integrator;
  int64_t stages;  // evaluations of the teacher in one step of it
};

class ItvmLossWork : public ::testing::TestWithParam<Work> {
 protected:
  static void visit(const std::function<void(ConditionedCase&)>& action) {
    struct Point {
      ItvmLoss::Target target;
      ItvmLoss::StopGradient stop;
    };
    struct Batch {
      int64_t rows;
      double h;
      uint64_t seed;
    };
    using Stop = ItvmLoss::StopGradient;
    for (const Point point : {Point{ItvmLoss::Target::ema, Stop::target}, Point{ItvmLoss::Target::frozen, Stop::target},
                              Point{ItvmLoss::Target::self, Stop::target}, Point{ItvmLoss::Target::self, Stop::teacher},
                              Point{ItvmLoss::Target::self, Stop::none}}) {
      // gaps of both kinds; all within h; all beyond; one row of either kind
      for (const Batch batch :
           {Batch{32, 0.2, 1}, Batch{8, 1, 1}, Batch{8, 0.01, 1}, Batch{1, 0.05, 1}, Batch{1, 0.9, 1}}) {
        for (const double lambda_init : {0.0, 0.7}) {
          ConditionedCase c(batch.rows, batch.h, batch.seed);
          c.options.integrator = GetParam().integrator;
          c.options.target = point.target;
          c.options.stop_gradient = point.stop;
          c.options.lambda_init = lambda_init;
          action(c);
        }
      }
    }
  }
};

TEST_P(ItvmLossWork, IsTheFormulaOnAllRows) {
  visit([](ConditionedCase& c) {
    const LossOutcome out = compute(ItvmLoss(c.options), c.setup), again = compute(ItvmLoss(c.options), c.setup);

    const auto [terminal, initial] = c.terms(out);
    const Tensor total = terminal.mean() + c.options.lambda_init * initial.mean();
    EXPECT_LT(relative_error(out.terms.at("terminal"), terminal), 1e-12);
    if (c.options.lambda_init > 0) {
      EXPECT_LT(relative_error(out.terms.at("initial"), initial), 1e-12);
    }
    EXPECT_TRUE(at::equal(out.terms.at("terminal"), again.terms.at("terminal")));
    const Tensor of_loss = gradient(out.total, c.student.g);
    EXPECT_LT(relative_error(of_loss, gradient(total, c.student.g)), 1e-12);
    EXPECT_TRUE(at::equal(of_loss, gradient(again.total, c.student.g)));
  });
}

TEST_P(ItvmLossWork, IsAskedForTheRowsThatNeedIt) {
  std::set<std::pair<int64_t, int64_t>> seen;  // rows, and rows with a gap beyond h
  visit([&](ConditionedCase& c) {
    const LossOutcome out = compute(ItvmLoss(c.options), c.setup);

    const int64_t all = c.setup.x_0.size(0), far = count_far(out, c.options.step);
    seen.insert({all, far});
    const bool init = c.options.lambda_init > 0, self = c.options.target == ItvmLoss::Target::self;
    EXPECT_EQ(c.target_map.rows(), self ? 0 : far);
    EXPECT_EQ(c.target_map.calls(), !self && far > 0);
    EXPECT_EQ(c.student_map.rows(), (init ? 2 * all : all) + (self ? far : 0));
    EXPECT_EQ(c.student_map.calls(), 1 + (self && far > 0));
    EXPECT_EQ(c.teacher.rows(), (init ? far : 0) + all * GetParam().stages);
    // with a gradient in x_r, v_r is not in one batch with v_s
    const bool apart = init && far > 0 && c.options.stop_gradient == ItvmLoss::StopGradient::none;
    EXPECT_EQ(c.teacher.calls(), GetParam().stages + apart);
  });
  EXPECT_EQ(seen, (std::set<std::pair<int64_t, int64_t>>{{1, 0}, {1, 1}, {8, 0}, {8, 8}, {32, 18}}));
}

INSTANTIATE_TEST_SUITE_P(All, ItvmLossWork,
                         ::testing::Values(Work{Integrator::euler, 1}, Work{Integrator::heun, 2},
                                           Work{Integrator::rk4, 4}),
                         [](const auto& each) { return "Stages" + std::to_string(each.param.stages); });

TEST(ItvmLossRows, GivesATargetWithDropoutTheMaskOfTheWholeBatch) {
  ConditionedCase c(32, 0.2, 1);
  const LossOutcome without = compute(ItvmLoss(c.options), c.setup);
  const Stream stream = conformance::stream(5, at::kDouble);
  const TestMap dropping([&](const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
    return c.u(c.target, x, s, t, call) * (call.dropout->uniform(x.sizes()) < 0.5);
  });
  c.setup.copies = {&dropping.facade()};
  c.setup.call.dropout = &stream;

  const LossOutcome out = compute(ItvmLoss(c.options), c.setup);

  EXPECT_EQ(dropping.rows(), 32);
  const Tensor kept = (stream.uniform({32, 2}) < 0.5).all(1);
  EXPECT_LT(
      max_difference(out.terms.at("terminal").masked_select(kept), without.terms.at("terminal").masked_select(kept)),
      1e-12);
  EXPECT_GT(count(kept.logical_and(out.records.at("t") - out.records.at("s") > 0.2)), 0);
  EXPECT_EQ(c.teacher.rows(), 2 * (32 + count_far(out, 0.2) + 32));
}

TEST(ItvmLossRows, DerivativeTargetsAskTheTeacherOnce) {
  for (const auto derivative : {ItvmLoss::Derivative::jvp, ItvmLoss::Derivative::central}) {
    ConditionedCase c(16, 0.2, 1);
    c.options.derivative = derivative;

    const LossOutcome out = compute(ItvmLoss(c.options), c.setup);

    EXPECT_LT(relative_error(out.terms.at("initial"), c.terms(out).second), 1e-12);
    EXPECT_EQ(c.teacher.calls(), 1);
    EXPECT_EQ(c.teacher.rows(), 32);
  }
}

}  // namespace
}  // namespace ttfm::loss
