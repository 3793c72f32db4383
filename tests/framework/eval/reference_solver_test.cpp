// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/reference_solver.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <string>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/flow/gaussian.h>

#include "eval/metrics/distances.h"
#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

const flow::Gaussian& gaussian() {
  static const flow::Gaussian kData = {test::points({1.5, -0.7}, 2)[0], 0.3};
  return kData;
}

conformance::TestField gaussian_field() {
  return conformance::TestField(
      [](const Tensor& x, const Tensor& t, const Call&) { return gaussian().velocity(x, t); });
}

Tensor exact_endpoint(const Tensor& x_0) {
  const Tensor zero = at::zeros({x_0.size(0)}, x_0.options());
  return gaussian().map(x_0, zero, zero + 1);
}

TEST(ReferenceSolver, ReachesTheGaussiansExactEndpoint) {
  const conformance::TestField field = gaussian_field();
  const Tensor x_0 = conformance::stream(1, at::kDouble).normal({100, 2});

  const ReferenceSolution solution =
      solve_reference(field.facade(), x_0, {}, {.absolute_tolerance = 1e-10, .relative_tolerance = 1e-10, .batch = 64});

  EXPECT_LT(conformance::max_difference(solution.x_1, exact_endpoint(x_0)), 1e-8);
  EXPECT_LT(solution.evaluations, 1000);
}

TEST(ReferenceSolver, EstimatesItsErrorFromAbove) {
  const conformance::TestField field = gaussian_field();
  const Tensor x_0 = conformance::stream(1, at::kDouble).normal({100, 2});

  for (const double tolerance : {1e-4, 1e-6, 1e-8}) {
    const ReferenceSolution solution = solve_reference(
        field.facade(), x_0, {}, {.absolute_tolerance = tolerance, .relative_tolerance = tolerance, .batch = 100});
    const double error = rmse(solution.x_1, exact_endpoint(x_0));
    EXPECT_GT(solution.error, error) << tolerance;
    EXPECT_LT(solution.error, 100 * tolerance) << tolerance;
    EXPECT_EQ(solution.error_samples, 100);
  }
}

TEST(ReferenceSolver, CountsTheEvaluationsOfTheSlowestBatch) {
  const conformance::TestField field = gaussian_field();
  const Tensor x_0 = conformance::stream(1, at::kDouble).normal({10, 2});

  const ReferenceSolution solution = solve_reference(field.facade(), x_0, {}, {.batch = 10});

  EXPECT_LT(solution.evaluations, field.calls());  // the others were for the error estimate
  EXPECT_EQ(solution.evaluations % 6, 1);          // six for a step, one at the start
}

TEST(ReferenceSolver, IsExactForPolynomialsOfDegreeFourInTime) {
  const conformance::TestField field([](const Tensor& x, const Tensor& t, const Call&) {
    return 5 * t.square().square().view({-1, 1}) * at::ones_like(x);
  });
  const Tensor x_0 = at::zeros({3, 1}, at::kDouble);

  const ReferenceSolution solution =
      solve_reference(field.facade(), x_0, {}, {.absolute_tolerance = 1, .relative_tolerance = 1});

  EXPECT_LT(conformance::max_difference(solution.x_1, at::ones({3, 1}, at::kDouble)), 1e-14);
}

TEST(ReferenceSolver, HandsEachRowItsLabel) {
  const conformance::TestField field([](const Tensor& x, const Tensor&, const Call& call) {
    return call.label.to(at::kDouble).view({-1, 1}).expand_as(x);
  });
  const Tensor label = test::points({0, 1, 2, 3, 4}, 1).view({-1}).to(at::kLong);

  const ReferenceSolution solution =
      solve_reference(field.facade(), at::zeros({5, 1}, at::kDouble), label, {.batch = 2});

  EXPECT_LT(conformance::max_difference(solution.x_1, label.to(at::kDouble).view({-1, 1})), 1e-12);
}

TEST(ReferenceSolver, SaysWhereItStoppedWhenTheBudgetIsSpent) {
  const conformance::TestField field = gaussian_field();
  const Tensor x_0 = conformance::stream(1, at::kDouble).normal({10, 2});

  const std::string text = conformance::error_text([&] {
    solve_reference(field.facade(), x_0, {},
                    {.absolute_tolerance = 1e-12, .relative_tolerance = 1e-12, .max_evaluations = 60});
  });

  EXPECT_EQ(text.find("reference solver: stopped at t = 0."), 0) << text;
  EXPECT_NE(text.find(" after 55 evaluations (at most 60) with a step of "), std::string::npos) << text;
  EXPECT_NE(text.find(" tolerances; allow more evaluations, or the tolerance (absolute 1e-12, relative 1e-12) is too "
                      "tight for Double"),
            std::string::npos)
      << text;
  EXPECT_EQ(field.calls(), 55);
}

TEST(ReferenceSolver, StopsAtAVelocityThatIsNotFinite) {
  const conformance::TestField field([](const Tensor& x, const Tensor& t, const Call&) {
    return (0.5 - t).sqrt().view({-1, 1}) * at::ones_like(x);
  });

  const std::string text = conformance::error_text([&] {
    solve_reference(field.facade(), at::zeros({2, 1}, at::kDouble), {}, {});
  });

  EXPECT_NE(text.find("stopped at t = 0."), std::string::npos) << text;
  EXPECT_NE(text.find("; the velocity is not finite or not smooth there, or the tolerance"), std::string::npos) << text;
}

}  // namespace
}  // namespace ttfm::eval
