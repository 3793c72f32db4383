// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "flow_matching_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>

namespace ttfm::loss {
namespace {

using namespace ttfm::conformance;

TEST(FlowMatchingLoss, OfTheExactVelocityIsItsFloor) {
  // Var(x_1 - x_0 | x_t) = sigma^2 / a_t^2 for each element, pi sigma / 2 on average over t.
  for (const auto& sample : {std::vector<int64_t>{2}, std::vector<int64_t>{3, 4, 4}}) {
    OracleCase oracle(20000, sample, 0, 0);

    const LossOutcome out = compute(FlowMatchingLoss({}), oracle.setup);

    const Tensor term = out.terms.at("velocity");
    const double error = 5 * term.std().item<double>() / std::sqrt(20000.0);
    EXPECT_NEAR(out.value(), std::numbers::pi * kSigma / 2, error);
    EXPECT_LT(error, 0.03);
  }
}

TEST(FlowMatchingLoss, ComparesTheDiagonalWithTheVelocityOfThePath) {
  OracleCase oracle(16, {3, 4, 4}, 0.5, 0);

  const LossOutcome out = compute(FlowMatchingLoss({}), oracle.setup);

  const Tensor t = out.records.at("t"), row_t = t.view({-1, 1, 1, 1});
  const Tensor x_t = (1 - row_t) * oracle.setup.x_0 + row_t * oracle.setup.x_1;
  const Tensor error = oracle.student.velocity(x_t, t, t) - (oracle.setup.x_1 - oracle.setup.x_0);
  EXPECT_LT(max_difference(out.terms.at("velocity"), error.square().flatten(1).mean(1)), 1e-14);
}

TEST(FlowMatchingLoss, GradientReachesTheStudent) {
  OracleCase oracle(8, {2}, 0.5, 0);
  const FlowMatchingLoss loss({});

  const Tensor exact = gradient(compute(loss, oracle.setup).total, oracle.student.g);

  const Tensor numeric = difference_gradient(oracle.student.g, [&] { return compute(loss, oracle.setup).value(); });
  EXPECT_GT(numeric.abs().max().item<double>(), 0.1);
  EXPECT_LT(relative_error(exact, numeric), 1e-10);
}

TEST(FlowMatchingLoss, NeedsNeitherTeacherNorCopy) {
  LossNeeds needs;
  FlowMatchingLoss({}).needs(needs);

  EXPECT_TRUE(needs.data && !needs.teacher && !needs.derivative && needs.copies == 0);
}

/// The labels with which the student is asked.
Tensor labels_seen(const FlowMatchingLoss::Options& options, const Tensor& label) {
  OracleCase oracle(label.defined() ? label.size(0) : 4, {2}, 0, 0);
  Tensor seen;
  NetworkTraits traits;
  traits.classes = 10;
  const TestMap student(
      [&](const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
        seen = call.label;
        return oracle.student.velocity(x, s, t);
      },
      false, traits);
  oracle.setup.student = &student.facade();
  oracle.setup.call.label = label;
  compute(FlowMatchingLoss(options), oracle.setup);
  return seen;
}

TEST(FlowMatchingLoss, DropsTheShareOfLabelsThatItIsTold) {
  const Tensor label = at::arange(20000).remainder(10);
  FlowMatchingLoss::Options options;
  options.label_dropout = 0.2;

  const Tensor seen = labels_seen(options, label);

  const Tensor dropped = seen == 10;
  EXPECT_NEAR(dropped.to(at::kDouble).mean().item<double>(), 0.2, 0.015);
  EXPECT_TRUE(at::equal(seen.masked_select(~dropped), label.masked_select(~dropped)));
}

TEST(FlowMatchingLoss, LeavesLabelsAloneWhereNoneIsToBeDropped) {
  const Tensor label = at::arange(10);
  FlowMatchingLoss::Options options;
  options.label_dropout = 0;

  EXPECT_TRUE(at::equal(labels_seen(options, label), label));
  EXPECT_FALSE(labels_seen({}, Tensor()).defined());
}

}  // namespace
}  // namespace ttfm::loss
