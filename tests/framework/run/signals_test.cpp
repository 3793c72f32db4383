// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace ttfm::run {
namespace {

TEST(RunSignals, AskForAStop) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const RunSignals signals;
    EXPECT_EQ(RunSignals::received(), 0);
    std::raise(signal);
    EXPECT_EQ(RunSignals::received(), signal);
  }
}

TEST(RunSignals, AskForACheckpointOnceEach) {
  const RunSignals signals;
  EXPECT_FALSE(RunSignals::save_asked());
  std::raise(SIGUSR2);
  EXPECT_TRUE(RunSignals::save_asked());
  EXPECT_FALSE(RunSignals::save_asked());
  EXPECT_EQ(RunSignals::received(), 0);
}

TEST(RunSignals, DoNotEndARunWhoseReaderIsGone) {
  const RunSignals signals;
  std::raise(SIGPIPE);
}

TEST(RunSignalsDeathTest, TheSecondOneEndsTheProcess) {
  EXPECT_EXIT(
      {
        const RunSignals signals;
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(RunSignalsDeathTest, LeavingEndsTheProcessAsTheSignalWouldHave) {
  EXPECT_EXIT(
      {
        const RunSignals signals;
        std::raise(SIGTERM);
        RunSignals::leave();
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(RunSignalsDeathTest, LeavingForTheSchedulerSaysSo) {
  EXPECT_EXIT(
      {
        const RunSignals signals;
        std::raise(SIGUSR1);
        RunSignals::leave();
      },
      testing::ExitedWithCode(75), "");
}

TEST(RunSignalsDeathTest, WhatWasInstalledBeforeComesBack) {
  EXPECT_EXIT(
      {
        { const RunSignals signals; }
        std::raise(SIGTERM);
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace ttfm::run
