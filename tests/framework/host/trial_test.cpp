// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/trial.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace ttfm::host {
namespace {

TEST(Trial, DoesEveryStepInAnotherProcess) {
  size_t here = 0;

  const Trial trial = try_in_child(3, [&](size_t) { ++here; });

  EXPECT_EQ(trial.done, 3u);
  EXPECT_EQ(trial.ending, "");
  EXPECT_EQ(here, 0u);
}

TEST(Trial, OfNothingIsDone) {
  const Trial trial = try_in_child(0, [](size_t) { std::abort(); });

  EXPECT_EQ(trial.done, 0u);
  EXPECT_EQ(trial.ending, "");
}

TEST(Trial, TellsTheStepThatASignalEnded) {
  const Trial trial = try_in_child(5, [](size_t i) {
    if (i != 2) return;
    std::fputs("one\ntwo\nthree\tand a half\nfour\n", stderr);
    std::raise(SIGKILL);
  });

  EXPECT_EQ(trial.done, 2u);
  EXPECT_EQ(trial.ending, "signal 9: Killed");
  EXPECT_EQ(trial.said, "two three and a half four");
}

TEST(Trial, TellsAStepThatLeftTheProcess) {
  const Trial trial = try_in_child(2, [](size_t) { std::_Exit(0); });

  EXPECT_EQ(trial.done, 0u);
  EXPECT_EQ(trial.ending, "exit code 0");
  EXPECT_EQ(trial.said, "");
}

}  // namespace
}  // namespace ttfm::host
