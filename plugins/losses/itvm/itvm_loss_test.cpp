// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "itvm_loss.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/flow/flow_map.h>

namespace ttfm::loss {
namespace {

using namespace ttfm::conformance;
using flow::Integrator;

using Options = ItvmLoss::Options;

/// The point of the class that is LFMD.
Options lfmd_point() {
  Options options;
  options.step = 1;
  options.target = ItvmLoss::Target::self;
  options.derivative = ItvmLoss::Derivative::jvp;
  options.damping = 1;
  options.stop_gradient = ItvmLoss::StopGradient::none;
  options.lambda_init = 0;
  return options;
}

/// U = (x_r + h' vbar - x_s)/(t-s) with a Heun step, for rows with t > s: the definition, not the convex combination.
Tensor target_by_definition(const OracleCase& oracle, const PerturbedStudent& e, double h, const Tensor& x_s,
                            const Tensor& s, const Tensor& t) {
  const Tensor gap = t - s;
  const Tensor step = gap.clamp_max(h), r = t - step;
  const auto row = [](const Tensor& value) { return value.unsqueeze(1); };
  const Tensor x_r = x_s + row(r - s) * e.velocity(x_s, s, r);
  const Tensor k_1 = oracle.exact.velocity(x_r, r);
  const Tensor k_2 = oracle.exact.velocity(x_r + row(step) * k_1, t);
  return ((x_r + row(step) * (k_1 + k_2) / 2 - x_s) / row(gap)).detach();
}

TEST(ItvmLoss, ExactStudentHasZeroInitialTerm) {
  for (const auto& sample : {std::vector<int64_t>{2}, std::vector<int64_t>{3, 4, 4}}) {
    for (const int64_t batch : {1, 16}) {
      OracleCase oracle(batch, sample, 0, 0);

      EXPECT_LT(compute(ItvmLoss({}), oracle.setup).mean("initial"), 1e-26);
    }
  }
}

struct Order {
  Integrator integrator;
  double ratio;  // of |U - u| for each halving of h
};

class ItvmLossOrder : public ::testing::TestWithParam<Order> {};

TEST_P(ItvmLossOrder, TerminalTermOfTheExactMapFallsWithTheStep) {
  for (const auto& sample : {std::vector<int64_t>{2}, std::vector<int64_t>{3, 4, 4}}) {
    OracleCase oracle(64, sample, 0, 0);
    Options options;
    options.integrator = GetParam().integrator;
    options.time.max_gap = 1;
    const auto error = [&](double h) {  // |U - u| over the rows with h well below t-s
      options.step = h;
      const LossOutcome out = compute(ItvmLoss(options), oracle.setup);
      const Tensor far = (out.records.at("t") - out.records.at("s")) > 0.3;
      return std::sqrt(out.terms.at("terminal").masked_select(far).mean().item<double>());
    };

    const double ratio = error(0.02) / error(0.01);

    EXPECT_NEAR(ratio / GetParam().ratio, 1, 0.1);
    EXPECT_GT(error(0.02), 1e-12);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ItvmLossOrder,
                         ::testing::Values(Order{Integrator::euler, 4}, Order{Integrator::heun, 8},
                                           Order{Integrator::rk4, 32}),
                         [](const auto& each) { return "Ratio" + std::to_string(static_cast<int>(each.param.ratio)); });

TEST(ItvmLoss, OnTheDiagonalTheTargetIsTheTeachersVelocity) {
  OracleCase oracle(16, {2}, 0, 1);  // a useless target network is not used
  Options options;
  options.time.diagonal = 1;

  EXPECT_LT(compute(ItvmLoss(options), oracle.setup).mean("terminal"), 1e-26);
}

TEST(ItvmLoss, ShortGapsDoNotDependOnTheTargetNetwork) {
  OracleCase good(64, {2}, 0.5, 0), bad(64, {2}, 0.5, 1);

  const LossOutcome a = compute(ItvmLoss({}), good.setup), b = compute(ItvmLoss({}), bad.setup);

  const Tensor within = (a.records.at("t") - a.records.at("s")) <= 0.2;
  const Tensor difference = (a.terms.at("terminal") - b.terms.at("terminal")).abs();
  EXPECT_LT(difference.masked_select(within).max().item<double>(), 1e-14);
  EXPECT_GT(difference.masked_select(~within).min().item<double>(), 1e-9);
}

TEST(ItvmLoss, IsTheDistanceToADiscreteLagrangianStep) {
  OracleCase oracle(64, {2}, 0.5, 0.3);

  const LossOutcome out = compute(ItvmLoss({}), oracle.setup);

  const Tensor x_s = oracle.x_s(out), s = out.records.at("s"), t = out.records.at("t");
  const Tensor target = target_by_definition(oracle, oracle.target, 0.2, x_s, s, t);
  const Tensor terminal = (oracle.student.velocity(x_s, s, t) - target).square().mean(1);
  const Tensor initial = (oracle.student.velocity(x_s, s, s) - oracle.exact.velocity(x_s, s)).square().mean(1);
  EXPECT_LT(max_difference(out.terms.at("terminal"), terminal), 1e-11);
  EXPECT_LT(max_difference(out.terms.at("initial"), initial), 1e-13);
  EXPECT_NEAR(out.value(), terminal.mean().item<double>() + initial.mean().item<double>(), 1e-12);
  EXPECT_GE((t - s).min().item<double>(), 0);
}

TEST(ItvmLoss, GradientIsThatOfADistanceToAConstant) {
  for (const auto target : {ItvmLoss::Target::ema, ItvmLoss::Target::self}) {
    OracleCase oracle(16, {2}, 0.5, 0.3);
    Options options;
    options.target = target;
    options.lambda_init = 0.7;
    const LossOutcome out = compute(ItvmLoss(options), oracle.setup);

    const Tensor x_s = oracle.x_s(out), s = out.records.at("s"), t = out.records.at("t");
    const PerturbedStudent& e = target == ItvmLoss::Target::ema ? oracle.target : oracle.student;
    const Tensor fixed = target_by_definition(oracle, e, 0.2, x_s, s, t);
    const Tensor numeric = difference_gradient(oracle.student.g, [&] {
      const Tensor terminal = (oracle.student.velocity(x_s, s, t) - fixed).square().mean();
      const Tensor initial = (oracle.student.velocity(x_s, s, s) - oracle.exact.velocity(x_s, s)).square().mean();
      return (terminal + 0.7 * initial).item<double>();
    });

    EXPECT_LT(relative_error(gradient(out.total, oracle.student.g), numeric), 1e-10);
    EXPECT_FALSE(reaches(out.total, oracle.target.g));
    EXPECT_FALSE(oracle.teacher_input_has_gradient);
  }
}

TEST(ItvmLoss, DerivativeTargetsStopTheGradientAsWell) {
  for (const auto derivative : {ItvmLoss::Derivative::jvp, ItvmLoss::Derivative::central}) {
    OracleCase oracle(16, {2}, 0.5, 0.5);
    Options options;
    options.derivative = derivative;
    const Tensor from_copy = [&] {
      // the copy holds the student's weights, so that both targets are the same numbers
      oracle.target.g.detach().copy_(oracle.student.g.detach());
      return gradient(compute(ItvmLoss(options), oracle.setup).total, oracle.student.g);
    }();
    options.target = ItvmLoss::Target::self;

    const LossOutcome self = compute(ItvmLoss(options), oracle.setup);

    EXPECT_LT(relative_error(gradient(self.total, oracle.student.g), from_copy), 1e-13);
    EXPECT_GT(from_copy.abs().max().item<double>(), 0.1);
    EXPECT_FALSE(reaches(self.total, oracle.target.g));
  }
}

TEST(ItvmLoss, DerivativeTargetsOfTheExactMapAreExact) {
  OracleCase oracle(32, {3, 4, 4}, 0, 0);
  Options options;
  options.derivative = ItvmLoss::Derivative::jvp;
  EXPECT_LT(compute(ItvmLoss(options), oracle.setup).mean("terminal"), 1e-26);

  options.derivative = ItvmLoss::Derivative::central;
  EXPECT_LT(compute(ItvmLoss(options), oracle.setup).mean("terminal"), 1e-10);
}

TEST(ItvmLoss, DerivativeTargetIsADampedStepTowardsTheLagrangianEquation) {
  OracleCase oracle(32, {2}, 0.5, 0.3);
  Options options;
  options.derivative = ItvmLoss::Derivative::jvp;
  options.damping = 0.4;

  const LossOutcome out = compute(ItvmLoss(options), oracle.setup);

  const Tensor x_s = oracle.x_s(out), s = out.records.at("s"), t = out.records.at("t"), gap = t - s;
  const auto u = [&](const Tensor& time) { return oracle.target.velocity(x_s, s, time).detach(); };
  const Tensor u_dot = (u(t + 1e-5) - u(t - 1e-5)) / 2e-5;
  const Tensor v = oracle.exact.velocity(x_s + gap.unsqueeze(1) * u(t), t);
  const Tensor c = 0.4 * (0.2 / gap).clamp_max(1);
  const Tensor target = u(t) + c.unsqueeze(1) * (v - u(t) - gap.unsqueeze(1) * u_dot);
  const Tensor expected = (oracle.student.velocity(x_s, s, t) - target).square().mean(1);
  EXPECT_LT(max_difference(out.terms.at("terminal"), expected), 1e-8);
}

TEST(ItvmLoss, WithoutStopsTheGradientIsThatOfTheValue) {
  struct Point {
    ItvmLoss::Derivative derivative;
    double tolerance;
  };
  for (const Point point : {Point{ItvmLoss::Derivative::none, 1e-9}, Point{ItvmLoss::Derivative::jvp, 1e-9},
                            Point{ItvmLoss::Derivative::central, 1e-8}}) {
    OracleCase oracle(4, {3, 4, 4}, 0.5, 0);
    Options options;
    options.target = ItvmLoss::Target::self;
    options.derivative = point.derivative;
    options.stop_gradient = ItvmLoss::StopGradient::none;
    const ItvmLoss loss(options);

    const Tensor exact = gradient(compute(loss, oracle.setup).total, oracle.student.g);

    const Tensor numeric = difference_gradient(oracle.student.g, [&] { return compute(loss, oracle.setup).value(); });
    EXPECT_LT(relative_error(exact, numeric), point.tolerance);
  }
}

TEST(ItvmLoss, StoppedAtTheTeacherItsInputHasNoGradient) {
  for (const auto derivative : {ItvmLoss::Derivative::none, ItvmLoss::Derivative::jvp}) {
    OracleCase oracle(16, {2}, 0.5, 0);
    Options options = lfmd_point();
    options.step = 0.2;
    options.derivative = derivative;
    const Tensor all = gradient(compute(ItvmLoss(options), oracle.setup).total, oracle.student.g);
    EXPECT_TRUE(oracle.teacher_input_has_gradient);

    options.stop_gradient = ItvmLoss::StopGradient::teacher;
    const Tensor stopped = gradient(compute(ItvmLoss(options), oracle.setup).total, oracle.student.g);

    EXPECT_FALSE(oracle.teacher_input_has_gradient);
    EXPECT_GT(relative_error(stopped, all), 1e-3);
  }
}

TEST(ItvmLoss, GapWeightMakesUpForTheShareOfTheStep) {
  OracleCase oracle(64, {2}, 0.5, 0.3);
  Options options;
  options.step = 0.1;
  const LossOutcome plain = compute(ItvmLoss(options), oracle.setup);
  options.weight = ItvmLoss::Weight::gap;

  const LossOutcome weighted = compute(ItvmLoss(options), oracle.setup);

  const Tensor weight = ((plain.records.at("t") - plain.records.at("s")) / 0.1).clamp(1, 5);
  EXPECT_LT(max_difference(weighted.terms.at("terminal"), weight * plain.terms.at("terminal")), 1e-12);
  EXPECT_EQ(max_difference(weighted.terms.at("initial"), plain.terms.at("initial")), 0);
}

TEST(ItvmLoss, NeedsWhatItsParametersSay) {
  const auto needs = [](const Options& options) {
    LossNeeds out;
    ItvmLoss(options).needs(out);
    return out;
  };
  Options frozen;
  frozen.target = ItvmLoss::Target::frozen;
  frozen.target_refresh = 100;

  const LossNeeds by_default = needs({}), of_frozen = needs(frozen), of_lfmd = needs(lfmd_point());

  EXPECT_TRUE(by_default.teacher && by_default.data && !by_default.teacher_x_gradient && !by_default.derivative);
  EXPECT_EQ(by_default.copies, 1u);
  EXPECT_EQ(by_default.copy[0].kind, CopyRule::kEma);
  EXPECT_EQ(by_default.copy[0].decay, 0.99);
  EXPECT_EQ(of_frozen.copy[0].kind, CopyRule::kFrozen);
  EXPECT_EQ(of_frozen.copy[0].refresh_every, 100);
  EXPECT_TRUE(of_lfmd.copies == 0 && of_lfmd.derivative && of_lfmd.teacher_x_gradient);
}

TEST(ItvmLoss, RefusesAGradientIntoACopy) {
  Options options;
  options.stop_gradient = ItvmLoss::StopGradient::none;

  EXPECT_EQ(error_text([&] { ItvmLoss loss(options); }),
            "itvm: stop_gradient lets gradients into the target, but target is a copy of the student, which records "
            "none; set target = \"self\", or stop_gradient = \"target\"");
}

TEST(ItvmLoss, DescribesTheDefaultsOfItsReading) {
  const ParamTable table = param_table<Options>();
  std::string text;
  for (const ttfm_param_v1& row : table.rows()) text.append(row.name).append("=").append(row.default_toml).append(" ");

  EXPECT_EQ(
      text,
      "step=0.2 integrator=\"heun\" target=\"ema\" target_decay=0.99 target_refresh=500 derivative=\"none\" "
      "damping=0.5 stop_gradient=\"target\" lambda_init=1 weight=\"one\" times=\"uniform\" logit_mean=0 logit_std=1 "
      "diagonal=0 max_gap=1 ");
}

}  // namespace
}  // namespace ttfm::loss
