// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/scatter.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <limits>

#include "eval/pictures/canvas.h"
#include "eval/pictures/colour_map.h"
#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

using test::points;

constexpr Domain kSquare = {.low = {0, 0}, .high = {1, 1}};

uint8_t red(const at::Tensor& picture, int64_t y, int64_t x) { return picture[y][x][0].item<uint8_t>(); }

TEST(Scatter, DrawsPointsUpwardsAndToTheRight) {
  const at::Tensor picture = scatter_picture(points({0.25, 0.9}, 2), kSquare, 40);

  EXPECT_LT(red(picture, 3, 10), 255);
  EXPECT_LT(red(picture, 4, 9), 255);
  EXPECT_EQ(red(picture, 36, 10), 255);
  EXPECT_EQ(red(picture, 3, 30), 255);
  EXPECT_EQ(red(picture, 0, 0), colours::kFrame.red);
}

TEST(Scatter, LeavesOutPointsThatAreOutsideOrNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();

  const at::Tensor picture = scatter_picture(points({2, 0.5, nan, 0.5, 0.5, -1e300}, 2), kSquare, 40);

  EXPECT_EQ(picture.narrow(0, 1, 38).narrow(1, 1, 38).min().item<uint8_t>(), 255);
}

TEST(Scatter, DomainIsASquareAroundTheData) {
  const Domain domain = picture_domain(points({-1, 0, 3, 1}, 2));

  EXPECT_DOUBLE_EQ(domain.low[0], -1 - 0.12 * 4);
  EXPECT_DOUBLE_EQ(domain.high[0], 3 + 0.12 * 4);
  EXPECT_DOUBLE_EQ(domain.low[1], 0.5 - 0.62 * 4);
  EXPECT_DOUBLE_EQ(domain.high[1], 0.5 + 0.62 * 4);
}

TEST(Scatter, DensityIsBrightestAtItsPeak) {
  const at::Tensor data = points({0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.05, 0.05}, 2);
  const double peak = density_peak(data, kSquare, 40);

  const at::Tensor picture = density_picture(data, kSquare, peak, 40);

  EXPECT_DOUBLE_EQ(peak, 0.8);
  EXPECT_EQ(red(picture, 2, 38), viridis(1).red);
  EXPECT_EQ(red(picture, 37, 2), viridis(0.5).red);  // a quarter of the peak
  EXPECT_EQ(red(picture, 20, 20), viridis(0).red);
}

}  // namespace
}  // namespace ttfm::eval
