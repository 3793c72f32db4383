// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/randn.h>

#include <ttfm/io/safetensors.h>

#include "faults/faulty_run.h"

namespace ttfm::test {
namespace {

/// Disks, files and memory that fail.
class Faults : public FaultyRun {
 protected:
  /// All calls of this kind from the first on, in a file of this name.
  static Environment always(const std::string& error, const std::string& match, const std::string& calls) {
    return {{"DO", error}, {"MATCH", match}, {"CALLS", calls}, {"AT", "1"}, {"COUNT", "0"}};
  }
};

TEST_F(Faults, ACheckpointThatTheDiskDoesNotTakeIsTriedAgainLater) {
  const Outcome outcome = start({}, {{"DO", "ENOSPC"}, {"MATCH", "step-00000007"}, {"CALLS", "write"}, {"AT", "3"}});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(
      outcome.err.find("model.safetensors': No space left on device. The run goes on; attempt 1 of 3, the next with "
                       "the next checkpoint\n"),
      std::string::npos)
      << outcome.err;
  EXPECT_EQ(checkpoints(), (std::vector<std::string>{"step-00000014", "step-00000020"}));
  EXPECT_EQ(stray(), 0);
}

TEST_F(Faults, ADiskThatStaysFullEndsTheRunWithItsLastCheckpoint) {
  ASSERT_EQ(start().code, 0);
  const auto whole = results();
  std::filesystem::remove_all(runs);

  const Outcome outcome = start(
      {"--checkpoint.every=2"},
      {{"DO", "ENOSPC"}, {"MATCH", "checkpoints/step-000000"}, {"CALLS", "write"}, {"AT", "100"}, {"COUNT", "0"}});

  EXPECT_EQ(outcome.code, 7) << outcome.err;
  EXPECT_NE(outcome.err.find("No space left on device"), std::string::npos) << outcome.err;
  EXPECT_EQ(status().at("state"), "failed");
  EXPECT_FALSE(checkpoints().empty());
  EXPECT_EQ(stray(), 0);

  ASSERT_EQ(start({"--resume=must"}).code, 0) << "once there is room again";
  EXPECT_EQ(results()["metrics"], whole.at("metrics"));
  EXPECT_EQ(results()["student/checkpoints/step-00000020/model.safetensors"],
            whole.at("student/checkpoints/step-00000020/model.safetensors"));
}

TEST_F(Faults, LinesOfMetricsWaitForRoomOnTheDisk) {
  ASSERT_EQ(start().code, 0);
  const std::string whole = read_file(run / "metrics.jsonl");
  std::filesystem::remove_all(runs);

  const Outcome outcome =
      start({}, {{"DO", "ENOSPC"}, {"MATCH", "metrics.jsonl"}, {"CALLS", "write"}, {"AT", "1"}, {"COUNT", "2"}});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(
      outcome.err.find("warning: the disk does not take all of what the run writes: it is kept in memory until there "
                       "is room\n"),
      std::string::npos)
      << outcome.err;
  EXPECT_EQ(read_file(run / "metrics.jsonl"), whole);
}

TEST_F(Faults, ALogThatCannotBeWrittenStopsNoRun) {
  const Outcome outcome = start({}, always("EIO", "log.txt", "write"));

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("log.txt' cannot be written; the run goes on\n"), std::string::npos) << outcome.err;
}

TEST_F(Faults, ShortWritesAndInterruptedCallsChangeNothing) {
  ASSERT_EQ(start().code, 0);
  const auto whole = results();
  for (const Environment& faults :
       {always("short", "run", "write"),
        Environment{{"DO", "EINTR"}, {"CALLS", "write,fsync"}, {"AT", "5"}, {"COUNT", "1"}}}) {
    std::filesystem::remove_all(runs);
    EXPECT_EQ(start({}, faults).code, 0);
    EXPECT_EQ(results(), whole);
  }
}

TEST_F(Faults, ARunWhoseCheckpointsWillNotFitIsNotBegun) {
  const Outcome outcome = start({"--checkpoint.keep_last=3"}, {{"FREE", "61440"}});

  EXPECT_EQ(outcome.code, 7);
  EXPECT_EQ(
      outcome.err,
      "error: the run's checkpoints will not fit on the disk: 69.3 kB for 3 checkpoints of at most 17.3 kB and the one "
      "that is being written; 61.4 kB are free in '" +
          runs.string() +
          "'. Make room, keep fewer (--checkpoint.keep_last=1), or put the run elsewhere (--run.folder=FOLDER)\n");
  EXPECT_FALSE(std::filesystem::exists(runs));
}

TEST_F(Faults, MemoryThatRunsOutIsAnsweredByWhatNeedsLess) {
  const Outcome outcome = start({"--loss.type=sick", "--loss.no_memory_at=12"});

  EXPECT_EQ(outcome.code, 8);
  EXPECT_NE(outcome.err.find("error: stage 'student', step 13: out of memory ("), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("). Each of these needs less:\n"
                             "  --train.accumulate=2  the same step in smaller parts, perhaps slower\n"
                             "  --train.batch=16  less memory for the same network\n"
                             "  --train.ema_decay=0  one copy of the weights less\n"),
            std::string::npos)
      << outcome.err;
  EXPECT_EQ(checkpoints().back(), "step-00000012") << "what was done is saved";
}

TEST_F(Faults, DataThatVanishEndTheRunWithWhatIsDone) {
  write_file(folder.path() / "small.toml",
             small_config().replace(small_config().find("[dataset]\ntype = \"gaussian_mixture\""), 35,
                                    "[dataset]\ntype = \"gone\"\n"));
  ASSERT_EQ(start().code, 0);
  const auto whole = results();
  std::filesystem::remove_all(runs);

  const Outcome outcome = start({"--dataset.gone_at=410"});

  EXPECT_EQ(outcome.code, 3);
  EXPECT_NE(outcome.err.find("error: cannot read '/net/points.bin': Stale file handle\n"), std::string::npos)
      << outcome.err;
  EXPECT_EQ(checkpoints().back(), "step-00000012");
  ASSERT_EQ(start({"--resume=must", "--allow-config-change"}).code, 0) << "once the drive is back";
  EXPECT_EQ(results()["metrics"], whole.at("metrics"));
  EXPECT_EQ(results()["student/checkpoints/step-00000020/model.safetensors"],
            whole.at("student/checkpoints/step-00000020/model.safetensors"));
}

TEST_F(Faults, AFolderOfDataMayBeReadOnly) {
  const std::filesystem::path data = folder.path() / "data";
  std::filesystem::create_directory(data);
  io::write_safetensors(data / "points.safetensors", {{"x", at::randn({200, 2})}});

  const Outcome outcome = start({"--dataset.type=tensor", "--dataset.file=" + (data / "points.safetensors").string()},
                                {{"UNDER", data.string()},
                                 {"CALLS", "open,write,mkdir,rename,unlink,ftruncate"},
                                 {"DO", "EROFS"},
                                 {"AT", "1"},
                                 {"COUNT", "0"},
                                 {"TRACE", folder.path() / "trace"}});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "trace")) << read_file(folder.path() / "trace");
}

TEST_F(Faults, ABugOfAPluginIsCalledOne) {
  const Outcome outcome = start({"--loss.type=sick", "--loss.bug_at=12"});

  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.err.find("index 3 of 2"), std::string::npos) << outcome.err;
  EXPECT_EQ(status().at("exit_code"), 1);
}

TEST_F(Faults, AClockThatJumpsChangesNothing) {
  ASSERT_EQ(start().code, 0);
  const auto whole = results();
  std::filesystem::remove_all(runs);

  EXPECT_EQ(start({}, {{"CLOCK", "1"}}).code, 0);

  EXPECT_EQ(results(), whole);
  const auto state = nlohmann::json::parse(read_file(run / "student/checkpoints/step-00000020/state.json"));
  EXPECT_GT(state.at("seconds"), 0);
  EXPECT_LT(state.at("seconds"), 1000);
}

}  // namespace
}  // namespace ttfm::test
