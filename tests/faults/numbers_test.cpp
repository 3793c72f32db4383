// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <regex>

#include <ttfm/io/safetensors.h>

#include "faults/faulty_run.h"

namespace ttfm::test {
namespace {

/// Numbers that are not finite.
class Numbers : public FaultyRun {
 protected:
  std::vector<std::string> sick(std::vector<std::string> more) const {
    more.push_back("--loss.type=sick");
    return more;
  }
  std::filesystem::path failure() const { return run / "failure" / "student-step-00000013.safetensors"; }
};

TEST_F(Numbers, StopTheRunBeforeTheyReachTheWeights) {
  ASSERT_EQ(start(sick({"--train.steps=12", "--train.schedule=constant"})).code, 0);
  const std::string before = read_file(run / "student/checkpoints/step-00000012/model.safetensors");
  std::filesystem::remove_all(runs);

  const Outcome outcome = start(sick({"--train.schedule=constant", "--loss.nan_at=12"}));

  EXPECT_EQ(outcome.code, 6);
  EXPECT_NE(
      outcome.err.find(
          "error: stage 'student': the loss or a gradient was not finite in step 13: loss term 'velocity' (1 of 32 "
          "samples). No step since then has changed the weights. The last checkpoint is of step 7. Try a lower lr, "
          "clip_norm = 1, or on_nonfinite = \"skip\", all in [train].\nTo compute this step again: ttfm run "
          "--replay " +
          failure().string() + "\n"),
      std::string::npos)
      << outcome.err;
  EXPECT_EQ(status().at("state"), "failed");
  EXPECT_EQ(status().at("exit_code"), 6);
  EXPECT_EQ(checkpoints(), std::vector<std::string>{"step-00000007"});

  const io::SafetensorsFile left(failure()), trained(run / "student/checkpoints/step-00000007/model.safetensors");
  write_file(folder.path() / "before.safetensors", before);
  const io::SafetensorsFile sound(folder.path() / "before.safetensors");
  for (const io::TensorEntry& entry : sound.tensors()) {
    EXPECT_TRUE(left.read("model/" + entry.name).equal(sound.read(entry))) << entry.name;
  }
}

TEST_F(Numbers, CanBeComputedAgain) {
  ASSERT_EQ(start(sick({"--loss.nan_at=12", "--run.threads=1"})).code, 6);

  const Outcome replay = ttfm({"run", "--replay", failure().string()});

  EXPECT_EQ(replay.code, 0) << replay.err;
  const std::string out = std::regex_replace(replay.out, std::regex("[0-9]+[.][0-9]+"), "#");
  EXPECT_EQ(out,
            "samples: [32] of mean #, the same again\n"
            "value 't': [32] of mean #, the same again\n"
            "loss term 'velocity': [32] of mean nan, the same again\n"
            "loss: nan, the same again\n"
            "gradient norm: #, the same again\n"
            "not finite:\n"
            "  loss term 'velocity' (1 of 32 samples)\n")
      << replay.out;
}

TEST_F(Numbers, ComeAgainAfterAResume) {
  const Outcome first = start(sick({"--loss.nan_at=12"}));
  const std::string file = read_file(failure());
  std::filesystem::remove(failure());

  const Outcome again = start(sick({"--loss.nan_at=12", "--resume=must"}));

  EXPECT_EQ(again.code, 6);
  const auto message = [](const std::string& err) { return err.substr(err.find("error: ")); };
  EXPECT_EQ(message(again.err), message(first.err));
  EXPECT_EQ(read_file(failure()), file);
}

TEST_F(Numbers, AreSkippedOnRequestAndCounted) {
  const Outcome outcome =
      start(sick({"--loss.nan_at=12", "--loss.nan_until=14", "--train.on_nonfinite=skip", "--train.max_skipped=3"}));

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(
      outcome.err.find("warning: stage 'student': 3 steps up to step 15 were skipped: their loss or gradient was not "
                       "finite (3 in the whole stage)\n"),
      std::string::npos)
      << outcome.err;
  EXPECT_NE(read_file(run / "metrics.jsonl").find("\"step\":20,"), std::string::npos);
  EXPECT_NE(read_file(run / "metrics.jsonl").find("\"skipped_steps\":3}"), std::string::npos);
}

TEST_F(Numbers, StopARunThatMaySkipOnlyLess) {
  const Outcome outcome =
      start(sick({"--loss.nan_at=12", "--loss.nan_until=14", "--train.on_nonfinite=skip", "--train.max_skipped=2"}));

  EXPECT_EQ(outcome.code, 6);
  EXPECT_NE(outcome.err.find("was not finite in step 13: loss term 'velocity'"), std::string::npos) << outcome.err;
}

TEST_F(Numbers, SkippedBeforeAnInterruptionAreRemembered) {
  const std::vector<std::string> arguments =
      sick({"--loss.nan_at=12", "--loss.nan_until=15", "--train.on_nonfinite=skip", "--checkpoint.keep_last=9"});
  ASSERT_EQ(start(arguments).code, 0);
  const auto whole = results();
  for (const char* step : {"step-00000014", "step-00000020"}) {  // the first of them is in the middle of the row
    for (const std::string& name : checkpoints()) {
      if (name > step || (name == step && name == "step-00000020")) {
        std::filesystem::remove_all(run / "student/checkpoints" / name);
      }
    }
    auto again = arguments;
    again.push_back("--resume=must");
    ASSERT_EQ(start(again).code, 0);
    EXPECT_EQ(results(), whole) << step;
  }
}

TEST_F(Numbers, OfAnotherStepThanTheFilesAreNamed) {
  ASSERT_EQ(start(sick({"--loss.nan_at=12"})).code, 6);

  const Outcome replay = ttfm({"run", "--replay", failure().string(), "--run.seed=5"});

  EXPECT_EQ(replay.code, 1);
  EXPECT_TRUE(
      std::regex_search(replay.out, std::regex("value 't': \\[32\\] of mean 0[.][0-9]+, now \\[32\\] of mean ")))
      << replay.out;
  EXPECT_NE(replay.err.find("error: the step does not give the same numbers again."), std::string::npos) << replay.err;
}

TEST_F(Numbers, OfAFileThatIsNotInARunsFolderAreRefused) {
  ASSERT_EQ(start(sick({"--loss.nan_at=12"})).code, 6);
  std::filesystem::copy(failure(), folder.path() / "alone.safetensors");

  const Outcome replay = ttfm({"run", "--replay", "alone.safetensors"});

  EXPECT_EQ(replay.code, 4);
  EXPECT_EQ(
      replay.err,
      "error: 'alone.safetensors' does not lie in the folder failure/ of a run, whose configuration and teacher are "
      "needed to compute the step again: put it back there\n");
}

TEST_F(Numbers, ThatAreFiniteButExplodeAreWarnedAbout) {
  const Outcome outcome = start({"--train.lr=3", "--train.schedule=constant", "--train.steps=40", "--log.every=2"});

  EXPECT_NE(outcome.err.find("before: the training diverges. A lower lr or clip_norm = 1 may help"), std::string::npos)
      << outcome.err;
}

TEST_F(Numbers, OfSamplesThatHaveCollapsedAreWarnedAbout) {
  // points that are spread a thousand times as far as what an untrained student draws
  const Outcome outcome = start(sick({"--dataset.type=gone", "--dataset.scale=1000"}));

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("warning: stage 'student': the samples have collapsed: their variance is "),
            std::string::npos)
      << outcome.err;
  EXPECT_EQ(start(sick({"--dataset.type=gone", "--run.name=sound"})).err.find("collapsed"), std::string::npos);
}

}  // namespace
}  // namespace ttfm::test
