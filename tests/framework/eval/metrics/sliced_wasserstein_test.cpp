// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/sliced_wasserstein.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

using test::points;

TEST(SlicedWasserstein, OfTheDataInAnotherOrderIsZero) {
  const at::Tensor data = conformance::stream(1).normal({1500, 3, 4});
  const SlicedWasserstein distance(data, conformance::stream(2));

  EXPECT_NEAR(distance(data.flip(0)), 0, 1e-12);
}

TEST(SlicedWasserstein, OnALineMatchesSortedPointsByHand) {
  const SlicedWasserstein distance(points({5, 1, 3}, 1), conformance::stream(1), {.projections = 7});

  // sorted: 0 2 9 against 1 3 5
  EXPECT_DOUBLE_EQ(distance(points({2, 9, 0}, 1)), std::sqrt((1.0 + 1.0 + 16.0) / 3));
}

TEST(SlicedWasserstein, OfTwoShiftsAtRightAnglesAddUpToTheWholeShift) {
  const at::Tensor data = conformance::stream(1, at::kDouble).normal({400, 2});
  const SlicedWasserstein distance(data, conformance::stream(2), {.projections = 16});

  // a shift c moves the projection on theta by theta.c, and the squares for c and its normal add up to |c|^2
  const double along = distance(data + points({0.6, 0.8}, 2)), across = distance(data + points({-0.8, 0.6}, 2));
  EXPECT_NEAR(along * along + across * across, 1.0, 1e-12);
  EXPECT_GT(along, 0.5);
}

TEST(SlicedWasserstein, OfShiftedGaussiansIsTheShiftOverTheRootOfTheDimension) {
  const at::Tensor data = conformance::stream(1).normal({256, 16});
  const SlicedWasserstein distance(data, conformance::stream(2), {.projections = 4096});

  EXPECT_NEAR(distance(data + 3), 3, 0.06);  // |c| = 3 sqrt(16)
}

TEST(SlicedWasserstein, OfAScaledGaussianIsTheDifferenceOfTheScales) {
  const at::Tensor data = conformance::stream(1, at::kDouble).normal({4000, 2});
  const SlicedWasserstein distance(data, conformance::stream(2));

  EXPECT_NEAR(distance(conformance::stream(3, at::kDouble).normal({4000, 2}) * 1.5), 0.5, 0.03);
}

TEST(SlicedWasserstein, UsesSubsetsOfEqualSizeOfEitherSet) {
  const at::Tensor data = conformance::stream(1).normal({1000, 2}), samples = conformance::stream(3).normal({400, 2});
  const Stream stream = conformance::stream(2);

  const double few_samples = SlicedWasserstein(data, stream)(samples);
  const double few_data = SlicedWasserstein(samples, stream)(data);

  EXPECT_GT(few_samples, 0);
  EXPECT_LT(few_samples, 0.2);
  EXPECT_NEAR(few_samples, few_data, 1e-12);  // the same rows of the larger set
}

TEST(SlicedWasserstein, DependsOnTheStreamAlone) {
  const at::Tensor data = conformance::stream(1).normal({100, 2}), samples = conformance::stream(3).normal({100, 2});

  const double first = SlicedWasserstein(data, conformance::stream(2))(samples);

  EXPECT_EQ(first, SlicedWasserstein(data, conformance::stream(2))(samples));
  EXPECT_NE(first, SlicedWasserstein(data, conformance::stream(4))(samples));
}

TEST(SlicedWasserstein, RefusesSamplesOfAnotherSize) {
  const SlicedWasserstein distance(conformance::stream(1).normal({10, 2}), conformance::stream(2));

  EXPECT_EQ(conformance::error_text([&] {
              distance(conformance::stream(1).normal({10, 3}));
            }),
            "sliced Wasserstein: got samples [10, 3], expected at least 1 of them, each of shape [2]");
}

}  // namespace
}  // namespace ttfm::eval
