// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/progress.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/log.h"

namespace ttfm::run {
namespace {

const ProgressValues kValues = {0.0312, {{"terminal", 0.0211}, {"initial", 0.0101}}, 2e-4, 0.83, 0.03};

TEST(ProgressLine, SaysWhereTheTrainingStands) {
  EXPECT_EQ(progress_line({"student", 1200, 20000, 41.2}, kValues),
            "[student] 1200/20000 6% | loss .0312 (terminal .021 initial .010) | lr 2.0e-4 | |g| .83 | 41.2 it/s | "
            "data 3% | ETA 7m36s");
}

TEST(ProgressLine, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(progress_line({"teacher", 0, 100, 0}, {1.5, {{"matching", 1.5}}, 1e-3, {}, {}}),
            "[teacher] 0/100 0% | loss 1.50 | lr 1.0e-3");
}

TEST(ProgressLine, HasNoTimeLeftAtTheEnd) {
  EXPECT_EQ(progress_line({"teacher", 100, 100, 0.4}, {0, {}, 0, {}, {}}),
            "[teacher] 100/100 100% | loss 0 | lr 0 | 2.50 s/it");
}

TEST(ProgressBar, FillsAndIsCutToTheTerminal) {
  const std::string half = "[student] [==========>         ] 50/100 50% | loss .0312";
  EXPECT_EQ(progress_bar({"student", 50, 100, 0}, kValues, static_cast<int>(half.size())), half);
  EXPECT_EQ(progress_bar({"a", 0, 3, 0}, kValues, 33), "[a] [>                   ] 0/3 0%");
  EXPECT_EQ(progress_bar({"a", 3, 3, 0}, kValues, 35), "[a] [====================] 3/3 100%");
}

TEST(ShortNumber, HasItsDigitsAndNoLeadingZero) {
  EXPECT_EQ(short_number(0.0312, 3), ".0312");
  EXPECT_EQ(short_number(0.00999, 2), ".010");
  EXPECT_EQ(short_number(0.00123, 2), "1.2e-3");
  EXPECT_EQ(short_number(-0.5, 2), "-.50");
  EXPECT_EQ(short_number(0.999, 2), "1.0");
  EXPECT_EQ(short_number(41.23, 3), "41.2");
  EXPECT_EQ(short_number(4123.4, 3), "4123");
  EXPECT_EQ(short_number(1234567, 3), "1.23e6");
  EXPECT_EQ(short_number(0, 3), "0");
  EXPECT_EQ(short_number(std::numeric_limits<double>::quiet_NaN(), 3), "nan");
  EXPECT_EQ(short_number(-std::numeric_limits<double>::infinity(), 3), "-inf");
}

TEST(ShortDuration, HasTwoUnits) {
  EXPECT_EQ(short_duration(0.2), "0s");
  EXPECT_EQ(short_duration(59.4), "59s");
  EXPECT_EQ(short_duration(458), "7m38s");
  EXPECT_EQ(short_duration(7500), "2h05m");
  EXPECT_EQ(short_duration(3 * 86400 + 4 * 3600), "3d04h");
  EXPECT_EQ(short_duration(std::numeric_limits<double>::infinity()), "99d+");
}

/// A progress whose clock and outputs the test holds.
class ProgressTest : public testing::Test {
 protected:
  double now = 1000;
  std::string screen, file;

  Progress::Options options(bool terminal, bool coloured = false) {
    Progress::Options made;
    made.terminal = terminal;
    made.coloured = coloured;
    made.seconds = 10;
    made.clock = [this] { return now; };
    made.columns = [] { return 42; };
    made.console = [this](const std::string& bytes) { screen += bytes; };
    made.line = [this](const std::string& line) { screen += line + "\n"; };
    made.record = [this](const std::string& line) { file += line + "\n"; };
    return made;
  }
};

TEST_F(ProgressTest, IsAPlainLineEverySoManySecondsWithoutATerminal) {
  Progress progress(options(false));
  progress.begin("student", 0, 100);
  for (int64_t step = 1; step <= 50; ++step) {
    now += 0.5;
    if (progress.due()) progress.show(step, {1, {}, 0, {}, {}});
  }
  progress.end();

  EXPECT_EQ(screen,
            "[student] 20/100 20% | loss 1.00 | lr 0 | 2.00 it/s | ETA 40s\n"
            "[student] 40/100 40% | loss 1.00 | lr 0 | 2.00 it/s | ETA 30s\n");
}

TEST_F(ProgressTest, ARateIsAnAverageThatForgets) {
  Progress progress(options(false));
  progress.begin("student", 500, 1000);  // a resumed stage: its first 500 steps took no time here
  now += 10;
  progress.show(510, {1, {}, 0, {}, {}});
  now += 10;
  progress.show(530, {1, {}, 0, {}, {}});  // 2 it/s, of weight 1 - 1/e

  EXPECT_EQ(screen,
            "[student] 510/1000 51% | loss 1.00 | lr 0 | 1.00 it/s | ETA 8m10s\n"
            "[student] 530/1000 53% | loss 1.00 | lr 0 | 1.63 it/s | ETA 4m48s\n");
}

TEST_F(ProgressTest, IsOneRewrittenLineOnATerminal) {
  Progress progress(options(true));
  progress.begin("s", 0, 10);
  EXPECT_FALSE(progress.due());
  now += 1;
  EXPECT_TRUE(progress.due());
  progress.show(1, {1, {}, 0, {}, {}});
  now += 10;
  progress.show(5, {1, {}, 0, {}, {}});
  progress.end();

  EXPECT_EQ(screen,
            "\r\033[K[s] [==>                 ] 1/10 10% | los"
            "\r\033[K[s] [==========>         ] 5/10 50% | los\n");
  EXPECT_EQ(file, "[s] 5/10 50% | loss 1.00 | lr 0 | 1.61 s/it | ETA 8s\n");
}

TEST_F(ProgressTest, MakesRoomForLogLines) {
  {
    Progress progress(options(true, true));
    progress.begin("s", 0, 10);
    progress.show(0, {1, {}, 0, {}, {}});
    screen.clear();
    testing::internal::CaptureStderr();
    log::info("a line");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "a line\n");
    EXPECT_EQ(screen, "\r\033[K\033[1m[s]\033[0m [>                   ] 0/10 0% | loss");
    screen.clear();
  }
  EXPECT_EQ(screen, "\r\033[K");

  screen.clear();
  testing::internal::CaptureStderr();
  log::info("after its end");
  testing::internal::GetCapturedStderr();
  EXPECT_EQ(screen, "");
}

}  // namespace
}  // namespace ttfm::run
