// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/sample_grid.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include <ttfm/conformance/errors.h>

#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

using test::points;

TEST(SampleGrid, LaysOutCellsPixelByPixel) {
  // three images of 1x2 pixels, twice as large, two columns, a separator of 1
  const at::Tensor samples = points({-1, 1, 0, 0.5, 1, -1}, 2).view({3, 1, 1, 2});

  const at::Tensor grid = sample_grid(samples, -1, 1, {.columns = 2, .scale = 2, .separator = 1});

  const at::Tensor expected = points(
      {
          0,   0,   255, 255, 128, 128, 128, 191, 191,  //
          0,   0,   255, 255, 128, 128, 128, 191, 191,  //
          128, 128, 128, 128, 128, 128, 128, 128, 128,  //
          255, 255, 0,   0,   128, 128, 128, 128, 128,  //
          255, 255, 0,   0,   128, 128, 128, 128, 128,  //
      },
      9);
  ASSERT_EQ(grid.sizes(), (std::vector<int64_t>{5, 9, 1}));
  EXPECT_TRUE(at::equal(grid.squeeze(2), expected.to(at::kByte))) << grid.squeeze(2);
}

TEST(SampleGrid, KeepsTheChannelsOfAColour) {
  const at::Tensor samples = points({0, 0.2, 1}, 3).view({1, 3, 1, 1});

  const at::Tensor grid = sample_grid(samples, 0, 1, {.scale = 1});

  EXPECT_TRUE(at::equal(grid.view({3}), points({0, 51, 255}, 3)[0].to(at::kByte)));
}

TEST(SampleGrid, IsAboutSquareWithCellsThatCanBeSeen) {
  EXPECT_EQ(sample_grid(at::zeros({10, 1, 28, 28}), 0, 1).sizes(), (std::vector<int64_t>{3 * 58 - 2, 4 * 58 - 2, 1}));
  EXPECT_EQ(sample_grid(at::zeros({1, 3, 64, 64}), 0, 1).sizes(), (std::vector<int64_t>{64, 64, 3}));
}

TEST(SampleGrid, ClampsAndDrawsWhatIsNotFiniteBlack) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

  const at::Tensor bytes = to_bytes(points({-7, 7, nan, inf, -inf, 0}, 6), -1, 1);

  EXPECT_TRUE(at::equal(bytes, points({0, 255, 0, 0, 0, 128}, 6).to(at::kByte))) << bytes;
}

TEST(SampleGrid, RefusesOtherShapesAndRanges) {
  EXPECT_EQ(
      conformance::error_text([] {
        sample_grid(at::zeros({4, 2, 8, 8}), 0, 1);
      }),
      "sample_grid: expected samples [N, 1 or 3, H, W], N >= 1, in a range low < high, got [4, 2, 8, 8] in [0, 1]");
  EXPECT_EQ(
      conformance::error_text([] {
        sample_grid(at::zeros({4, 1, 8, 8}), 1, 1);
      }),
      "sample_grid: expected samples [N, 1 or 3, H, W], N >= 1, in a range low < high, got [4, 1, 8, 8] in [1, 1]");
}

}  // namespace
}  // namespace ttfm::eval
