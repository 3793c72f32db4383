// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/update_guard.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace ttfm::train {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

Tensor scalar(double value) { return at::full({}, value, at::kFloat); }

/// Judges steps of which 'x' have a loss that is not finite; the answers, 'm' for a masked one.
std::string judge(UpdateGuard& guard, const std::string& steps, int64_t first = 0) {
  std::string masked;
  for (const char step : steps) {
    guard.judge(first++, scalar(step == 'x' ? kNan : 1), {scalar(1)});
    masked += guard.masked().item<float>() == 1 ? 'm' : '.';
  }
  return masked;
}

TEST(UpdateGuard, LetsFiniteStepsPass) {
  UpdateGuard guard(0, c10::kCPU);
  EXPECT_EQ(judge(guard, "...."), "....");
  EXPECT_FALSE(guard.stopped_at());
  EXPECT_EQ(guard.skipped(), 0);
}

TEST(UpdateGuard, LooksAtTheLossAndAtEachNorm) {
  for (const auto& [loss, first, second] : {std::tuple(kNan, 1., 1.), {1., kInf, 1.}, {1., 1., -kInf}}) {
    UpdateGuard guard(0, c10::kCPU);
    guard.judge(0, scalar(loss), {scalar(first), scalar(second)});
    EXPECT_EQ(guard.masked().item<float>(), 1) << loss << first << second;
  }
}

TEST(UpdateGuard, WithoutLeaveToSkipTheFirstOneStopsForGood) {
  UpdateGuard guard(0, c10::kCPU);
  EXPECT_EQ(judge(guard, "..x..x"), "..mmmm");
  EXPECT_EQ(guard.stopped_at(), 2);
}

TEST(UpdateGuard, SkipsASmallNumberInARow) {
  UpdateGuard guard(2, c10::kCPU);
  EXPECT_EQ(judge(guard, ".xx.xx.x."), ".mm.mm.m.");
  EXPECT_FALSE(guard.stopped_at());
  EXPECT_EQ(guard.skipped(), 5);
}

TEST(UpdateGuard, MoreInARowStopAndTheFirstOfThemIsNamed) {
  UpdateGuard guard(2, c10::kCPU);
  EXPECT_EQ(judge(guard, ".x.xxx..x"), ".m.mmmmmm");
  EXPECT_EQ(guard.stopped_at(), 3);
}

TEST(UpdateGuard, ARowGoesOnAcrossAResume) {
  UpdateGuard whole(2, c10::kCPU), first(2, c10::kCPU), second(2, c10::kCPU);
  judge(whole, "x.xxx");
  judge(first, "x.xx");
  second.load(first.counters());
  judge(second, "x", 4);

  EXPECT_EQ(second.counters(), whole.counters());
  EXPECT_EQ(second.stopped_at(), 2);
}

}  // namespace
}  // namespace ttfm::train
