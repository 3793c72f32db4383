// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/mmd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

using test::points;

double kernel(double square_distance, double sigma) {
  double sum = 0;
  for (const double c : {0.25, 0.5, 1.0, 2.0, 4.0}) sum += std::exp(-square_distance / (2 * c * c * sigma * sigma));
  return sum / 5;
}

TEST(Mmd, OfTwoAndTwoPointsByHand) {
  const Mmd mmd(points({0, 2}, 1), conformance::stream(1));

  EXPECT_DOUBLE_EQ(mmd.bandwidth(), 2);
  // distances: 3 among the samples, 2 among the data, 1 4 1 2 between
  const double between = (2 * kernel(1, 2) + kernel(16, 2) + kernel(4, 2)) / 4;
  EXPECT_NEAR(mmd(points({1, 4}, 1)), kernel(9, 2) + kernel(4, 2) - 2 * between, 1e-14);
}

TEST(Mmd, TakesTheMedianOfAllPairs) {
  EXPECT_DOUBLE_EQ(Mmd(points({0, 1, 4, 9}, 1), conformance::stream(1)).bandwidth(),
                   4);  // 1 3 4 5 8 9, the lower middle
}

TEST(Mmd, IsUnbiasedForTwoSetsOfOneDistribution) {
  double sum = 0, sum_of_squares = 0;
  constexpr int kRepeats = 200;
  for (uint64_t i = 0; i < kRepeats; ++i) {
    const double value = Mmd(conformance::stream(2 * i).normal({40, 2}),
                             conformance::stream(1))(conformance::stream(2 * i + 1).normal({40, 2}));
    sum += value;
    sum_of_squares += value * value;
  }

  const double mean = sum / kRepeats, deviation = std::sqrt(sum_of_squares / kRepeats - mean * mean);
  EXPECT_LT(std::abs(mean), 3 * deviation / std::sqrt(kRepeats));
  EXPECT_LT(deviation, 0.02);  // with k(x, x) in the sums the mean would be about 2/40
}

TEST(Mmd, GrowsWithAShift) {
  const Mmd mmd(conformance::stream(1).normal({500, 2}), conformance::stream(2));

  const at::Tensor samples = conformance::stream(3).normal({500, 2});
  EXPECT_LT(mmd(samples), 0.005);
  EXPECT_GT(mmd(samples + 0.5), 0.02);
  EXPECT_GT(mmd(samples + 1), mmd(samples + 0.5));
}

TEST(Mmd, UsesAtMostTheGivenNumberOfRows) {
  const at::Tensor data = conformance::stream(1).normal({600, 2}), samples = conformance::stream(3).normal({600, 2});
  const Mmd::Options few = {.max_samples = 100};

  const double value = Mmd(data, conformance::stream(2), few)(samples);

  EXPECT_NE(value, Mmd(data, conformance::stream(2))(samples));
  EXPECT_EQ(value, Mmd(data, conformance::stream(2), few)(samples));
}

TEST(Mmd, RefusesDataThatAreAllEqual) {
  const std::string text = "MMD: most of the 5 true samples are equal, so their median distance gives no bandwidth";

  EXPECT_EQ(conformance::error_text([] { Mmd(at::zeros({5, 2}), conformance::stream(1)); }), text);
  EXPECT_EQ(conformance::error_text([] { Mmd(at::zeros({5, 3}) + 0.3, conformance::stream(1)); }), text);
}

}  // namespace
}  // namespace ttfm::eval
