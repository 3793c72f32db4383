// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/histogram_kl.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

using test::points;

constexpr Domain kSquare = {.low = {0, 0}, .high = {2, 2}};

TEST(HistogramKl, OfFourBinsByHand) {
  const at::Tensor data = points({0.5, 0.5, 0.5, 0.5, 1.5, 0.5, 0.5, 1.5}, 2);
  const at::Tensor samples = points({0.5, 0.5, 1.5, 0.5, 1.5, 0.5, 1.5, 0.5, 1.5, 1.5}, 2);

  // p = 1/2 1/4 1/4 0, q = 1/5 3/5 (0 -> half of 1/5) 1/5
  const double expected = 0.5 * std::log(0.5 / 0.2) + 0.25 * std::log(0.25 / 0.6) + 0.25 * std::log(0.25 / 0.1);
  EXPECT_DOUBLE_EQ(HistogramKl(data, kSquare, 2)(samples), expected);
}

TEST(HistogramKl, CountsSamplesOutsideOfTheDomainAsLost) {
  const at::Tensor data = points({0.5, 0.5}, 2);

  EXPECT_DOUBLE_EQ(HistogramKl(data, kSquare, 2)(points({0.5, 0.5, 7, 0.5}, 2)), std::log(2));
}

TEST(HistogramKl, OfTheDataIsZero) {
  const at::Tensor data = conformance::stream(1).normal({5000, 2});

  EXPECT_EQ(HistogramKl(data)(data), 0);
}

TEST(HistogramKl, OfShiftedGaussiansComesNearHalfTheSquareOfTheShift) {
  const at::Tensor data = conformance::stream(1).normal({64000, 2});
  const HistogramKl divergence(data);

  const double floor = divergence(conformance::stream(2).normal({64000, 2}));
  const double shifted = divergence(conformance::stream(3).normal({64000, 2}) + points({0.5, 0}, 2));

  EXPECT_LT(floor, 0.02);
  EXPECT_NEAR(shifted - floor, 0.125, 0.01);
}

TEST(HistogramKl, RefusesDataThatAreNotPointsInThePlane) {
  EXPECT_EQ(conformance::error_text([] {
              HistogramKl(points({1, 2, 3}, 3));
            }),
            "domain of points: got [1, 3], expected points [N, 2] with N >= 1");
  EXPECT_EQ(conformance::error_text([] {
              HistogramKl(points({1, std::numeric_limits<double>::infinity()}, 2));
            }),
            "domain of points: a coordinate of the true samples is not finite");
}

TEST(HistogramKl, GivesPointsOnALineADomain) {
  EXPECT_EQ(HistogramKl(points({0, 1, 2, 1}, 2))(points({0, 1, 2, 1}, 2)), 0);
}

}  // namespace
}  // namespace ttfm::eval
