// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/histogram.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <limits>

#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

using test::points;

constexpr Domain kSquare = {.low = {0, 0}, .high = {2, 2}};

TEST(Histogram, CountsRowsUpwardsAndColumnsToTheRight) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const at::Tensor all = points({0.5, 0.5, 1.5, 0.5, 1.5, 0.6, 0, 2, 2, 2, 1, 1, -0.1, 1, 1, 2.1, nan, 1}, 2);

  const at::Tensor counts = histogram(all, kSquare, 2);

  EXPECT_TRUE(at::equal(counts, points({1, 2, 1, 2}, 2).to(at::kLong))) << counts;
}

TEST(Histogram, DomainIsTheBoxAroundThePointsWithAMargin) {
  const Domain domain = domain_of(points({-1, 5, 3, 7, 0, 6}, 2), 0.25);

  EXPECT_EQ(domain.low, (std::array<double, 2>{-2, 4.5}));
  EXPECT_EQ(domain.high, (std::array<double, 2>{4, 7.5}));
}

}  // namespace
}  // namespace ttfm::eval
