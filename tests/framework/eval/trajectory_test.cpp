// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/trajectory.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/flow/gaussian.h>

#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

constexpr int64_t kBatch = 48;  // does not divide the number of rows

const flow::Gaussian& gaussian() {
  static const flow::Gaussian kData = {test::points({1.5, -0.7}, 2)[0], 0.3};
  return kData;
}

conformance::TestField exact_field() {
  return conformance::TestField(
      [](const Tensor& x, const Tensor& t, const Call&) { return gaussian().velocity(x, t); });
}

/// The exact map with a constant error `offset` of u.
conformance::TestMap map_with(double offset) {
  return conformance::TestMap([offset](const Tensor& x, const Tensor& s, const Tensor& t, const Call&) {
    return gaussian().average_velocity(x, s, t) + offset;
  });
}

Tensor noise() { return conformance::stream(1, at::kDouble).normal({100, 2}); }

PathPoints path() {
  const Tensor x_1 = conformance::stream(2, at::kDouble).normal({100, 2}) * 0.3 + gaussian().mean;
  return draw_path(noise(), x_1, {}, conformance::stream(3));
}

TEST(Trajectory, CompositionGapOfTheExactMapIsZero) {
  const conformance::TestMap map = map_with(0);

  for (const int64_t hops : {1, 2, 4, 8}) EXPECT_LT(composition_gap(map.facade(), noise(), {}, hops, kBatch), 1e-13);
}

TEST(Trajectory, CompositionOfTheExactMapIsTheEndpoint) {
  const conformance::TestMap map = map_with(0);
  const Tensor zero = at::zeros({100}, at::kDouble);

  EXPECT_LT(conformance::max_difference(compose(map.facade(), noise(), {}, 3, kBatch),
                                        gaussian().map(noise(), zero, zero + 1)),
            1e-13);
}

TEST(Trajectory, CompositionGapSeesAMapThatIsNoSemigroup) {
  // u = (t-s) e for data at 0 and no motion otherwise: one hop moves by e, N hops by N (1/N)^2 e
  const conformance::TestMap map([](const Tensor& x, const Tensor& s, const Tensor& t, const Call&) {
    return (t - s).view({-1, 1}).expand_as(x);
  });

  EXPECT_NEAR(composition_gap(map.facade(), noise(), {}, 4, kBatch), 0.75 * std::sqrt(2.0), 1e-12);
}

TEST(Trajectory, InitialVelocityErrorOfTheExactMapIsZero) {
  const conformance::TestMap map = map_with(0);
  const conformance::TestField field = exact_field();

  EXPECT_LT(initial_velocity_error(map.facade(), field.facade(), path(), kBatch), 1e-13);
}

TEST(Trajectory, InitialVelocityErrorIsTheNormOfAConstantError) {
  const conformance::TestMap map = map_with(0.1);
  const conformance::TestField field = exact_field();

  EXPECT_NEAR(initial_velocity_error(map.facade(), field.facade(), path(), kBatch), 0.1 * std::sqrt(2.0), 1e-12);
}

TEST(Trajectory, LagrangianResidualOfTheExactMapIsZero) {
  const conformance::TestMap exact = map_with(0), wrong = map_with(0.1);
  const conformance::TestField field = exact_field();

  EXPECT_LT(lagrangian_residual(exact.facade(), field.facade(), path(), kBatch), 1e-12);
  EXPECT_GT(lagrangian_residual(wrong.facade(), field.facade(), path(), kBatch), 0.05);
}

TEST(Trajectory, PathPointsLieBetweenNoiseAndDataAtOrderedTimes) {
  const PathPoints points = draw_path(at::zeros({1000, 2}), at::zeros({1000, 2}) + 1, {}, conformance::stream(3));

  EXPECT_LT(conformance::max_difference(points.x_s.select(1, 0), points.s), 1e-6);
  EXPECT_TRUE((points.s <= points.t).all().item<bool>());
  EXPECT_NEAR(points.s.mean().item<double>(), 1. / 3, 0.03);
  EXPECT_NEAR(points.t.mean().item<double>(), 2. / 3, 0.03);
}

TEST(Trajectory, MeasuresHandEachRowItsLabel) {
  const conformance::TestMap map([](const Tensor& x, const Tensor&, const Tensor&, const Call& call) {
    return call.label.to(x.scalar_type()).view({-1, 1}).expand_as(x);
  });
  const Tensor label = conformance::stream(4).integers({100}, 10);

  const Tensor moved = compose(map.facade(), noise(), label, 2, kBatch) - noise();
  EXPECT_LT(conformance::max_difference(moved.select(1, 0), label.to(at::kDouble)), 1e-12);
}

}  // namespace
}  // namespace ttfm::eval
