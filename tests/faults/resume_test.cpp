// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "faults/faulty_run.h"

namespace ttfm::test {
namespace {

/// A run that goes on with something else than it began with.
class Resume : public FaultyRun {
 protected:
  nlohmann::json last_start() const {
    const std::string history = read_file(run / "history.jsonl");
    return nlohmann::json::parse(history.substr(history.rfind('\n', history.size() - 2) + 1));
  }

  /// A run that stands at step 10 of 20.
  void stop_half_way(std::vector<std::string> arguments = {}) {
    ASSERT_EQ(
        start(std::move(arguments), {{"MATCH", "metrics.jsonl"}, {"CALLS", "write"}, {"AT", "2"}, {"DO", "TERM"}}).code,
        143);
  }
};

TEST_F(Resume, MayChangeWhatActsOnNoStepThatIsDone) {
  stop_half_way();

  const Outcome outcome = start({"--resume=must", "--train.steps=24", "--log.every=4", "--checkpoint.every=3",
                                 "--eval.samples=32", "--checkpoint.keep_best=loss"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("changed: train.steps = 24, it was 20\n"), std::string::npos) << outcome.err;
  const auto record = last_start();
  EXPECT_EQ(record.at("changes").size(), 5U) << record.at("changes");
  EXPECT_EQ(checkpoints().back(), "step-00000024");
}

TEST_F(Resume, RefusesWhatWouldMakeTwoRunsOfOne) {
  stop_half_way();
  const std::string before = read_file(run / "status.json");

  const Outcome outcome = start({"--resume=auto", "--train.lr=3e-3", "--run.seed=5", "--loss.step=0.3"});

  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(
      outcome.err,
      "error: the run '" + run.string() +
          "' cannot go on with something else than it began with:\n"
          "  loss.step = 0.3, it was 0.2\n"
          "  run.seed = 5, it was 0\n"
          "  train.lr = 0.003, it was 0.001\n"
          "Steps, paths, [log], [checkpoint], [eval] and [sampler] may change. Take the rest back, begin a new run "
          "(--run.name=NAME), or insist with --allow-config-change: the run's record will say so\n");
  EXPECT_EQ(read_file(run / "status.json"), before);
  EXPECT_EQ(start({"--resume=must"}).code, 0) << "the refused attempt has left no trace";
}

TEST_F(Resume, OfAStudentKeepsItsTeacherAsItIs) {
  const std::vector<std::string> arguments = {"--teacher.type=network", "--teacher.train.lr=0.002"};  // as many steps
  ASSERT_EQ(start(arguments, {{"MATCH", "metrics.jsonl"}, {"CALLS", "write"}, {"AT", "6"}, {"DO", "TERM"}}).code, 143);
  auto longer = arguments;
  longer.insert(longer.end(), {"--resume=must", "--train.steps=24"});

  const Outcome refused = start(longer);

  EXPECT_EQ(refused.code, 2);
  EXPECT_NE(refused.err.find("\n  teacher.train.steps = 24, it was 20: the student has begun with this teacher; add "
                             "--teacher.train.steps=20\n"),
            std::string::npos)
      << refused.err;
  longer.emplace_back("--teacher.train.steps=20");
  EXPECT_EQ(start(longer).code, 0);
  EXPECT_EQ(checkpoints().back(), "step-00000024");
}

TEST_F(Resume, TakesAnythingFromWhoInsistsAndRecordsIt) {
  stop_half_way();

  const Outcome outcome = start({"--resume=auto", "--train.lr=3e-3", "--allow-config-change"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(last_start().at("changes"), nlohmann::json::array({"train.lr = 0.003, it was 0.001"}));
}

TEST_F(Resume, RefusesOtherDataUnderTheSameName) {
  write_file(folder.path() / "small.toml",
             small_config().replace(small_config().find("[dataset]\ntype = \"gaussian_mixture\""), 35,
                                    "[dataset]\ntype = \"gone\"\n"));
  stop_half_way();
  std::string inputs = read_file(run / "inputs.json");
  inputs[inputs.find("data\": \"") + 8] ^= 1;
  write_file(run / "inputs.json", inputs);

  const Outcome outcome = start({"--resume=auto"});

  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("\n  the training samples are not the ones it began with\n"), std::string::npos)
      << outcome.err;
}

TEST_F(Resume, RefusesATeacherThatHasBecomeAnother) {
  ASSERT_EQ(start({"--teacher.type=network", "--teacher.train.steps=5", "--run.name=other"}).code, 0);
  const std::vector<std::string> arguments = {"--teacher.type=network", "--teacher.checkpoint=runs/other"};
  stop_half_way(arguments);
  ASSERT_EQ(start({"--teacher.type=network", "--teacher.train.steps=6", "--run.name=other", "--resume=must",
                   "--allow-config-change"})
                .code,
            0);

  auto again = arguments;
  again.push_back("--resume=auto");
  const Outcome outcome = start(again);

  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("\n  the teacher's weights are not the ones it began with\n"), std::string::npos)
      << outcome.err;
}

TEST_F(Resume, GoesOnAcrossStagesWithTheSameResult) {
  const std::vector<std::string> arguments = {"--teacher.type=network", "--teacher.train.steps=10", "--log.every=3"};
  ASSERT_EQ(start(arguments).code, 0);
  const auto whole = results();
  for (const int line : {1, 2, 4, 5, 8}) {
    std::filesystem::remove_all(runs);
    ASSERT_EQ(
        start(arguments, {{"MATCH", "metrics.jsonl"}, {"CALLS", "write"}, {"AT", std::to_string(line)}, {"DO", "TERM"}})
            .code,
        143);
    auto again = arguments;
    again.push_back("--resume=must");
    ASSERT_EQ(start(again).code, 0);
    auto resumed = results();
    for (const char* file :
         {"metrics", "teacher/checkpoints/step-00000010/optimizer.safetensors",
          "student/checkpoints/step-00000020/model.safetensors", "student/checkpoints/step-00000020/ema.safetensors",
          "student/checkpoints/step-00000020/copy-0.safetensors",
          "student/checkpoints/step-00000020/optimizer.safetensors"}) {
      EXPECT_EQ(resumed[file], whole.at(file)) << file << ", stopped at line " << line;
    }
  }
}

TEST_F(Resume, ThatHasNothingToGoOnWithEndsWithFour) {
  const Outcome none = start({"--resume=must"});
  EXPECT_EQ(none.code, 4);
  EXPECT_EQ(none.err, "error: --resume=must, but there is no run in '" + run.string() + "'\n");
  EXPECT_FALSE(std::filesystem::exists(run));

  ASSERT_EQ(start().code, 0);
  for (const std::string& name : checkpoints()) {
    std::filesystem::resize_file(run / "student/checkpoints" / name / "optimizer.safetensors", 100);
  }
  for (const char* resume : {"--resume=must", "--resume=auto"}) {
    const Outcome damaged = start({resume});
    EXPECT_EQ(damaged.code, 4);
    EXPECT_NE(damaged.err.find("error: none of the 2 checkpoints in '"), std::string::npos) << damaged.err;
    EXPECT_NE(damaged.err.find("step-00000020' is damaged and left out: optimizer.safetensors: has 100 bytes"),
              std::string::npos)
        << damaged.err;
  }
}

}  // namespace
}  // namespace ttfm::test
