// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/signals.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace ttfm::run {
namespace {

TEST(StopSignals, AskForAStop) {
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) {
    const StopSignals signals;
    EXPECT_EQ(StopSignals::received(), 0);
    std::raise(signal);
    EXPECT_EQ(StopSignals::received(), signal);
  }
}

TEST(StopSignalsDeathTest, TheSecondOneEndsTheProcess) {
  EXPECT_EXIT(
      {
        const StopSignals signals;
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(StopSignalsDeathTest, LeavingEndsTheProcessAsTheSignalWouldHave) {
  EXPECT_EXIT(
      {
        const StopSignals signals;
        std::raise(SIGTERM);
        StopSignals::leave();
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST(StopSignalsDeathTest, LeavingForTheSchedulerSaysSo) {
  EXPECT_EXIT(
      {
        const StopSignals signals;
        std::raise(SIGUSR1);
        StopSignals::leave();
      },
      testing::ExitedWithCode(75), "");
}

TEST(StopSignalsDeathTest, WhatWasInstalledBeforeComesBack) {
  EXPECT_EXIT(
      {
        { const StopSignals signals; }
        std::raise(SIGTERM);
        std::_Exit(0);
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace ttfm::run
