// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/schedule.h"

#include <gtest/gtest.h>

namespace ttfm::train {
namespace {

config::TrainSection options(config::Schedule schedule) {
  config::TrainSection train;
  train.steps = 110;
  train.warmup = 10;
  train.lr = 2;
  train.final_lr = 0.1;
  train.schedule = schedule;
  return train;
}

TEST(LearningRate, RisesLinearlyInTheWarmUp) {
  const auto train = options(config::Schedule::cosine);

  EXPECT_DOUBLE_EQ(learning_rate(train, 0), 2.0 / 11);
  EXPECT_DOUBLE_EQ(learning_rate(train, 9), 20.0 / 11);
  EXPECT_DOUBLE_EQ(learning_rate(train, 10), 2.0);
}

TEST(LearningRate, FallsFromTheFullRateToTheFinalShare) {
  EXPECT_DOUBLE_EQ(learning_rate(options(config::Schedule::cosine), 60), 2 * (0.1 + 0.9 * 0.5));
  EXPECT_NEAR(learning_rate(options(config::Schedule::cosine), 110), 0.2, 1e-12);
  EXPECT_DOUBLE_EQ(learning_rate(options(config::Schedule::linear), 60), 2 * (0.1 + 0.9 * 0.5));
  EXPECT_DOUBLE_EQ(learning_rate(options(config::Schedule::linear), 35), 2 * (0.1 + 0.9 * 0.75));
  EXPECT_DOUBLE_EQ(learning_rate(options(config::Schedule::constant), 60), 2);
}

TEST(EmaDecay, IsWarmedUp) {
  EXPECT_DOUBLE_EQ(ema_decay(0.99, 0), 0.1);
  EXPECT_DOUBLE_EQ(ema_decay(0.99, 10), 11.0 / 20);
  EXPECT_DOUBLE_EQ(ema_decay(0.99, 100000), 0.99);
}

}  // namespace
}  // namespace ttfm::train
