// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/distances.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

using test::points;

TEST(Distances, OfTwoSamplesByHand) {
  const at::Tensor a = points({3, 4, 1, 0}, 2), b = points({0, 0, 1, 1}, 2);

  EXPECT_DOUBLE_EQ(rmse(a, b), std::sqrt((25.0 + 1.0) / 2));
  EXPECT_DOUBLE_EQ(rmse_per_element(a, b), std::sqrt((25.0 + 1.0) / 4));
  EXPECT_DOUBLE_EQ(relative_l2(a, b), std::sqrt(26.0 / 2.0));
}

TEST(Distances, AreTheSameForMoreRowsThanAPieceHolds) {
  const at::Tensor a = conformance::stream(1).normal({3000, 2, 3, 3}),
                   b = conformance::stream(2).normal({3000, 2, 3, 3});

  const at::Tensor difference = a.to(at::kDouble) - b.to(at::kDouble);
  EXPECT_NEAR(rmse(a, b), std::sqrt(difference.square().sum().item<double>() / 3000), 1e-12);
  EXPECT_NEAR(rmse_per_element(a, b), rmse(a, b) / std::sqrt(18.0), 1e-12);
}

TEST(Distances, OfFloatsAreSummedInDouble) {
  const at::Tensor a = at::zeros({2'000'000, 1}) + 0.1f;

  EXPECT_NEAR(rmse(a, at::zeros_like(a)), static_cast<double>(0.1f), 1e-12);
}

TEST(Distances, AreNotFiniteWhereASampleIsNot) {
  const at::Tensor a = points({0, std::numeric_limits<double>::quiet_NaN()}, 1);

  EXPECT_TRUE(std::isnan(rmse(a, points({0, 0}, 1))));
}

TEST(Distances, OfDifferentShapesAreRefused) {
  EXPECT_EQ(conformance::error_text([] {
              rmse(points({1, 2}, 1), points({1, 2}, 2));
            }),
            "rmse: shapes [2, 1] and [1, 2] differ; both must hold the same samples");
}

}  // namespace
}  // namespace ttfm::eval
