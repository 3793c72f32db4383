// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

class Run : public testing::Test {
 protected:
  conformance::TemporaryFolder folder;
  fs::path run = folder.path() / "runs" / "run";

  void SetUp() override { write_file(folder.path() / "small.toml", small_config()); }
  Outcome start(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"run", "small.toml"});
    return ttfm(folder.path(), more);
  }
  std::string weights(const std::string& file) const {
    return read_file(run / "student/checkpoints/step-00000020" / file);
  }
};

TEST_F(Run, LeavesAFolderThatSaysWhatWasRun) {
  const Outcome outcome = start();
  ASSERT_EQ(outcome.code, 0) << outcome.err;

  for (const char* file : {"config.toml", "config.resolved.toml", "env.json", "status.json", "log.txt", "metrics.jsonl",
                           "eval/results.json", "eval/results.csv", "samples/overview.png", "samples/density.png"}) {
    EXPECT_TRUE(fs::exists(run / file)) << file;
  }
  EXPECT_EQ(read_file(run / "config.toml"), small_config());
  EXPECT_EQ(nlohmann::json::parse(read_file(run / "status.json")).at("state"), "done");
}

TEST_F(Run, MeasuresTheStudentAtEveryNumberOfEvaluations) {
  const Outcome outcome = start();
  ASSERT_EQ(outcome.code, 0) << outcome.err;

  const auto results = nlohmann::json::parse(read_file(run / "eval/results.json"));
  std::vector<int> evaluations;
  for (const auto& row : results.at("rows")) {
    if (row.at("model") == "student") evaluations.push_back(row.at("evaluations"));
  }
  EXPECT_EQ(evaluations, (std::vector<int>{1, 2, 4, 8}));
  EXPECT_NE(outcome.out.find("student"), std::string::npos);
}

TEST_F(Run, LogsEachTermEveryFewSteps) {
  ASSERT_EQ(start().code, 0);

  std::istringstream lines(read_file(run / "metrics.jsonl"));
  std::vector<int> steps;
  for (std::string line; std::getline(lines, line);) {
    const auto record = nlohmann::json::parse(line);
    steps.push_back(record.at("step"));
    EXPECT_TRUE(record.contains("loss.initial") && record.contains("loss.terminal"));
  }
  EXPECT_EQ(steps, (std::vector<int>{5, 10, 15, 20}));
}

const std::vector<std::string> kTwoStages = {"--teacher.type=network", "--teacher.train.steps=5"};

std::vector<std::string> with(std::vector<std::string> arguments, std::initializer_list<const char*> more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

TEST_F(Run, PassesGradientsThroughATeacherThatIsANetwork) {
  ASSERT_EQ(start(with(kTwoStages, {"--loss.type=lfmd", "--run.name=trained"})).code, 0);
  for (const char* teacher : {"--teacher.train.steps=5", "--teacher.checkpoint=runs/trained"}) {
    std::string whole;
    for (const char* stop : {"none", "teacher"}) {
      const Outcome outcome = start(with({"--teacher.type=network", "--loss.type=lfmd", teacher},
                                         {std::string("--loss.stop_gradient=").append(stop).c_str()}));
      ASSERT_EQ(outcome.code, 0) << outcome.err;
      if (whole.empty())
        whole = weights("model.safetensors");
      else
        EXPECT_NE(weights("model.safetensors"), whole) << "no gradient in x came from the teacher";
      fs::remove_all(run);
    }
  }
}

TEST_F(Run, DropsWhatItsConfigurationSays) {
  ASSERT_EQ(start().code, 0);
  const std::string without = weights("model.safetensors");
  fs::remove_all(run);
  ASSERT_EQ(start({"--student.dropout=0.5"}).code, 0);

  EXPECT_NE(weights("model.safetensors"), without);
}

TEST_F(Run, ResumedAtItsEndKeepsTheMetricsOfEveryStage) {
  ASSERT_EQ(start(kTwoStages).code, 0);
  const std::string metrics = read_file(run / "metrics.jsonl");
  ASSERT_NE(metrics.find("\"student\""), std::string::npos);

  ASSERT_EQ(start(with(kTwoStages, {"--resume=must"})).code, 0);

  EXPECT_EQ(read_file(run / "metrics.jsonl"), metrics);
}

TEST_F(Run, IsTheSameTwice) {
  ASSERT_EQ(start().code, 0);
  const std::string once = weights("model.safetensors");
  fs::remove_all(run);
  ASSERT_EQ(start().code, 0);

  EXPECT_EQ(weights("model.safetensors"), once);
  fs::remove_all(run);
  ASSERT_EQ(start({"--run.seed=1"}).code, 0);
  EXPECT_NE(weights("model.safetensors"), once);
}

TEST_F(Run, GoesOnAfterAnInterruptionAsIfThereHadBeenNone) {
  ASSERT_EQ(start().code, 0);
  std::map<std::string, std::string> whole;
  for (const char* file : {"model.safetensors", "ema.safetensors", "copy-0.safetensors", "optimizer.safetensors"}) {
    whole[file] = weights(file);
  }

  fs::remove_all(run / "student/checkpoints/step-00000020");  // as if it had been killed before its end
  const Outcome resumed = start({"--resume=must"});

  ASSERT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("goes on after step 14"), std::string::npos) << resumed.err;
  for (const auto& [file, bytes] : whole) EXPECT_EQ(weights(file), bytes) << file;
}

TEST_F(Run, RefusesAFolderThatExistsAndShowsHowToGoOn) {
  ASSERT_EQ(start().code, 0);

  const Outcome second = start();

  EXPECT_EQ(second.code, 2);
  EXPECT_NE(second.err.find("--resume=auto"), std::string::npos) << second.err;
}

TEST_F(Run, TrainsATeacherAndStartsTheStudentFromIt) {
  std::string config = small_config();
  config.replace(config.find("[teacher]\ntype = \"gaussian_mixture\""), 36,
                 "[teacher]\ntype = \"network\"\n[teacher.train]\nsteps = 10");
  config.replace(config.find("depth = 2"), 9, "depth = 2\ninit = \"teacher\"");
  write_file(folder.path() / "small.toml", config);

  const Outcome outcome = start();

  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(run / "teacher/checkpoints/step-00000010/ema.safetensors"));
  EXPECT_TRUE(fs::exists(run / "student/checkpoints/step-00000020/ema.safetensors"));
}

TEST_F(Run, ADryRunTakesAStepAndWritesNothing) {
  const Outcome outcome = start({"--dry-run"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("student: mlp"), std::string::npos) << outcome.out;
  EXPECT_FALSE(fs::exists(folder.path() / "runs"));
}

TEST_F(Run, StopsWhenTheLossIsNotFinite) {
  const Outcome outcome = start({"--train.lr=1e30"});

  EXPECT_EQ(outcome.code, 6) << outcome.err;
  EXPECT_NE(outcome.err.find("was not finite"), std::string::npos) << outcome.err;
  EXPECT_EQ(nlohmann::json::parse(read_file(run / "status.json")).at("state"), "failed");
}

TEST_F(Run, TakesTheLossFromTheCommandLine) {
  const Outcome outcome = start({"--loss.type=lfmd"});

  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("loss lfmd"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace ttfm::test
