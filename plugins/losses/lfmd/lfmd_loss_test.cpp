// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "lfmd_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/where.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>

namespace ttfm::loss {
namespace {

using namespace ttfm::conformance;

using Options = LfmdLoss::Options;

/// d/dt phi_{s,t}(x) - v_t(phi_{s,t}(x)), the derivative by differences of the map itself.
Tensor residual(const OracleCase& oracle, const LossOutcome& outcome) {
  const Tensor x_s = oracle.x_s(outcome), s = outcome.records.at("s"), t = outcome.records.at("t");
  const auto phi = [&](const Tensor& time) {
    return x_s + (time - s).unsqueeze(1) * oracle.student.velocity(x_s, s, time).detach();
  };
  const double h = 1e-3;
  const Tensor slope = (8 * (phi(t + h) - phi(t - h)) - (phi(t + 2 * h) - phi(t - 2 * h))) / (12 * h);
  return slope - oracle.exact.velocity(phi(t), t);
}

TEST(LfmdLoss, OfTheExactMapIsZero) {
  for (const auto& sample : {std::vector<int64_t>{2}, std::vector<int64_t>{3, 4, 4}}) {
    for (const int64_t batch : {1, 16}) {
      OracleCase oracle(batch, sample, 0, 0);
      Options options;
      options.lambda_init = 1;

      const LossOutcome out = compute(LfmdLoss(options), oracle.setup);

      EXPECT_LT(out.mean("terminal"), 1e-26);
      EXPECT_LT(out.mean("initial"), 1e-26);
    }
  }
}

TEST(LfmdLoss, IsTheResidualOfTheLagrangianEquation) {
  OracleCase oracle(32, {2}, 0.5, 0);

  const LossOutcome out = compute(LfmdLoss({}), oracle.setup);

  const Tensor expected = residual(oracle, out).square().mean(1);
  EXPECT_LT(max_difference(out.terms.at("terminal"), expected), 1e-8);
  EXPECT_EQ(out.terms.count("initial"), 0u);
  EXPECT_GT(out.value(), 0.1);
  EXPECT_GE((out.records.at("t") - out.records.at("s")).min().item<double>(), 0);
}

TEST(LfmdLoss, HuberAndWeightActOnEachElementAndEachRow) {
  OracleCase oracle(32, {2}, 0.5, 0);
  Options options;
  options.norm = LfmdLoss::Norm::huber;
  options.huber_delta = 0.3;
  options.weight = LfmdLoss::Weight::inverse_gap;

  const LossOutcome out = compute(LfmdLoss(options), oracle.setup);

  const Tensor r = residual(oracle, out).abs();
  const Tensor huber = at::where(r <= 0.3, r.square(), 0.3 * (2 * r - 0.3)).mean(1);
  const Tensor weight = (1 / (out.records.at("t") - out.records.at("s"))).clamp_max(5);
  EXPECT_LT(max_difference(out.terms.at("terminal"), weight * huber), 1e-8);
}

TEST(LfmdLoss, GradientFlowsThroughEverything) {
  for (const auto norm : {LfmdLoss::Norm::squared, LfmdLoss::Norm::huber}) {
    for (const auto& sample : {std::vector<int64_t>{2}, std::vector<int64_t>{3, 4, 4}}) {
      OracleCase oracle(4, sample, 0.5, 0);
      Options options;
      options.norm = norm;
      options.lambda_init = 0.7;
      const LfmdLoss loss(options);

      const Tensor exact = gradient(compute(loss, oracle.setup).total, oracle.student.g);

      const Tensor numeric = difference_gradient(oracle.student.g, [&] { return compute(loss, oracle.setup).value(); });
      // a Huber kink within the difference's step costs its order
      EXPECT_LT(relative_error(exact, numeric), norm == LfmdLoss::Norm::squared ? 1e-9 : 1e-3);
    }
  }
}

TEST(LfmdLoss, StoppedAtTheTeacherItsInputIsAConstant) {
  OracleCase oracle(8, {2}, 0.5, 0);
  Options options;
  options.stop_gradient = LfmdLoss::StopGradient::teacher;

  const LossOutcome out = compute(LfmdLoss(options), oracle.setup);

  EXPECT_FALSE(oracle.teacher_input_has_gradient);
  EXPECT_EQ(out.value(), compute(LfmdLoss({}), oracle.setup).value());
  EXPECT_TRUE(oracle.teacher_input_has_gradient);

  // The same loss with the teacher's velocity frozen at the present phi.
  const Tensor x_s = oracle.x_s(out), s = out.records.at("s"), t = out.records.at("t");
  const Tensor v = oracle.exact.velocity(flow::advance(x_s, s, t, oracle.student.velocity(x_s, s, t)), t).detach();
  const TestField frozen([&](const Tensor&, const Tensor&, const Call&) { return v; });
  LossSetup setup = oracle.setup;
  setup.teacher = &frozen.facade();
  const Tensor numeric = difference_gradient(oracle.student.g, [&] { return compute(LfmdLoss({}), setup).value(); });
  EXPECT_LT(relative_error(gradient(out.total, oracle.student.g), numeric), 1e-9);
}

TEST(LfmdLoss, AsksForTheTeachersGradientOnlyWhereItFlows) {
  LossNeeds all, stopped;
  Options options;
  LfmdLoss(options).needs(all);
  options.stop_gradient = LfmdLoss::StopGradient::teacher;
  LfmdLoss(options).needs(stopped);

  EXPECT_TRUE(all.teacher && all.teacher_x_gradient && all.derivative && all.copies == 0);
  EXPECT_TRUE(stopped.teacher && !stopped.teacher_x_gradient && stopped.derivative);
}

TEST(LfmdLoss, HandsLabelsOnToStudentAndTeacher) {
  OracleCase oracle(3, {2}, 0.5, 0);
  oracle.setup.call.label = at::arange(3);
  int64_t seen = 0;
  const auto check = [&seen](const Call& call) { seen += call.label.defined() && call.label.size(0) == 3; };
  const TestMap student([&](const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
    check(call);
    return oracle.student.velocity(x, s, t);
  });
  const TestField teacher([&](const Tensor& x, const Tensor& t, const Call& call) {
    check(call);
    return oracle.exact.velocity(x, t);
  });
  oracle.setup.student = &student.facade();
  oracle.setup.teacher = &teacher.facade();
  Options options;
  options.lambda_init = 1;

  compute(LfmdLoss(options), oracle.setup);

  EXPECT_EQ(seen, 4);
}

}  // namespace
}  // namespace ttfm::loss
