// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/flow/times.h>

namespace ttfm::flow {
namespace {

using namespace ttfm::conformance;

constexpr int64_t kCount = 40000;

double mean(const Tensor& x) { return x.to(at::kDouble).mean().item<double>(); }

TimePair pairs(const TimePairOptions& options) { return options.pair(stream(1, at::kDouble), kCount); }

TEST(Times, AreOrderedAndInTheUnitInterval) {
  for (const auto distribution : {TimeOptions::Distribution::uniform, TimeOptions::Distribution::logit_normal}) {
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      TimePairOptions options;
      options.times = distribution;
      options.diagonal = 0.25;
      options.max_gap = 0.4;
      const TimePair drawn = options.pair(stream(1, dtype), kCount);

      EXPECT_GE(drawn.s.min().item<double>(), 0);
      EXPECT_LE(drawn.t.max().item<double>(), 1);
      EXPECT_GE((drawn.t - drawn.s).min().item<double>(), 0);
      EXPECT_LE((drawn.t - drawn.s).max().item<double>(), 0.4 + 1e-6);
    }
  }
}

TEST(Times, UniformPairsFillTheTriangleEvenly) {
  const auto [s, t] = pairs({});

  // On the triangle: E s = 1/3, E t = 2/3, E st = 1/4, P(t - s > 1/2) = 1/4, P(s > 1/2) = 1/4.
  EXPECT_NEAR(mean(s), 1. / 3, 0.01);
  EXPECT_NEAR(mean(t), 2. / 3, 0.01);
  EXPECT_NEAR(mean(s * t), 0.25, 0.01);
  EXPECT_NEAR(mean((t - s) > 0.5), 0.25, 0.01);
  EXPECT_NEAR(mean(s > 0.5), 0.25, 0.01);
}

TEST(Times, ABoundedGapKeepsTheRestOfTheTriangleEven) {
  TimePairOptions options;
  options.max_gap = 0.5;
  const auto [s, t] = pairs(options);

  // Of the part below the gap, 3/8, one third lies in s > 1/2 (all of that corner), and (1/4 - 1/32)/(3/8) in t-s < 1/4.
  EXPECT_LE((t - s).max().item<double>(), 0.5);
  EXPECT_NEAR(mean(s > 0.5), 1. / 3, 0.01);
  EXPECT_NEAR(mean((t - s) < 0.25), 7. / 12, 0.01);
}

TEST(Times, AShareOfTheRowsLiesOnTheDiagonal) {
  TimePairOptions options;
  options.diagonal = 0.3;
  const auto [s, t] = pairs(options);
  const Tensor on = s == t;

  EXPECT_NEAR(mean(on), 0.3, 0.01);
  EXPECT_NEAR(mean(t.masked_select(on)), 0.5, 0.02);  // where it is distributed as a single time
}

TEST(Times, OnTheDiagonalOnlyIsASingleTime) {
  TimePairOptions options;
  options.diagonal = 1;
  const auto [s, t] = pairs(options);

  EXPECT_TRUE(at::equal(s, t));
  EXPECT_TRUE(at::equal(t, options.single(stream(1, at::kDouble), kCount)));
}

TEST(Times, LogitNormalHasTheMomentsAskedFor) {
  TimeOptions options;
  options.times = TimeOptions::Distribution::logit_normal;
  options.logit_mean = -0.4;
  options.logit_std = 0.8;
  const Tensor logit = options.single(stream(1, at::kDouble), kCount).logit();

  EXPECT_NEAR(mean(logit), -0.4, 0.02);
  EXPECT_NEAR(std::sqrt(mean((logit + 0.4).square())), 0.8, 0.02);
}

TEST(Times, OfARowFollowFromItsGlobalIndex) {
  TimePairOptions options;
  options.diagonal = 0.5;
  const TimePair whole = options.pair(stream(9), 10);
  Stream::Impl impl = stream(9).impl();
  impl.row_offset = 4;

  const TimePair part = options.pair(Stream(impl), 6);

  EXPECT_TRUE(at::equal(part.s, whole.s.narrow(0, 4, 6)));
  EXPECT_TRUE(at::equal(part.t, whole.t.narrow(0, 4, 6)));
}

TEST(Times, DescribeTheirParameters) {
  const ParamTable table = param_table<TimePairOptions>();
  std::string text;
  for (const ttfm_param_v1& row : table.rows())
    text.append(row.name).append(" = ").append(row.default_toml).append("\n");

  EXPECT_EQ(text, "times = \"uniform\"\nlogit_mean = 0\nlogit_std = 1\ndiagonal = 0\nmax_gap = 1\n");
}

}  // namespace
}  // namespace ttfm::flow
