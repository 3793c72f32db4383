// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "faults/faulty_run.h"

namespace ttfm::test {
namespace {

/// Signals while a run trains: they come when a line is appended to metrics.jsonl, every 5 steps.
class Signals : public FaultyRun {
 protected:
  static Environment at_line(int line, const std::string& signal) {
    return {{"MATCH", "metrics.jsonl"}, {"CALLS", "write"}, {"AT", std::to_string(line)}, {"DO", signal}};
  }
};

TEST_F(Signals, ThatAskForAStopSaveAndEndAsTheyAreExpectedTo) {
  ASSERT_EQ(start().code, 0);
  const auto whole = results();
  for (const auto& [signal, code] : std::map<std::string, int>{{"INT", 130}, {"TERM", 143}, {"USR1", 75}}) {
    std::filesystem::remove_all(runs);

    const Outcome outcome = start({}, at_line(2, signal));

    EXPECT_EQ(outcome.code, code) << signal << outcome.err;
    EXPECT_NE(outcome.err.find("stopped; to go on: "), std::string::npos) << outcome.err;
    EXPECT_EQ(status().at("state"), "stopped");
    EXPECT_EQ(status().at("exit_code"), code);
    EXPECT_EQ(status().at("step"), 10);
    EXPECT_EQ(checkpoints().back(), "step-00000010");
    EXPECT_EQ(start({"--resume=must"}).code, 0);
    auto resumed = results();
    for (const auto& [file, bytes] : whole) {
      if (file == "metrics" || file.find("step-00000020") != std::string::npos) {
        EXPECT_EQ(resumed[file], bytes) << file;
      }
    }
  }
}

TEST_F(Signals, Usr2SavesAndTheRunGoesOn) {
  const Outcome outcome = start({"--checkpoint.keep_last=9"}, at_line(2, "USR2"));

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(checkpoints(),
            (std::vector<std::string>{"step-00000007", "step-00000010", "step-00000014", "step-00000020"}));
}

TEST_F(Signals, BeforeThereIsAnythingToSaveEndTheRunAsExpected) {
  for (const auto& [signal, code] : std::map<std::string, int>{{"INT", 130}, {"TERM", 143}, {"USR1", 75}}) {
    const Outcome outcome = start({}, {{"CALLS", "mkdir"}, {"AT", "1"}, {"DO", signal}});
    EXPECT_EQ(outcome.code, code) << signal << outcome.err;
    EXPECT_EQ(start({"--resume=auto"}).code, 0);
    std::filesystem::remove_all(runs);
  }
}

TEST_F(Signals, DuringTheEvaluationKeepTheTraining) {
  const Outcome outcome =
      start({"--eval.evaluations=[1,2]"}, {{"MATCH", "status.json"}, {"CALLS", "rename"}, {"AT", "5"}, {"DO", "TERM"}});

  EXPECT_EQ(outcome.code, 143) << outcome.err;
  EXPECT_EQ(status().at("stage"), "evaluation") << status();
  EXPECT_EQ(start({"--eval.evaluations=[1,2]", "--resume=must"}).code, 0);
}

TEST_F(Signals, OfAClosedPipeDoNotEndARun) {
  EXPECT_EQ(start({}, {{"MATCH", "metrics.jsonl"}, {"CALLS", "write"}, {"AT", "1"}, {"DO", "PIPE"}}).code, 0);
}

}  // namespace
}  // namespace ttfm::test
