// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// [train] precision, frozen_precision and activations, from the configuration to the weights that a run leaves.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;
using Arguments = std::vector<std::string>;

class Precision : public testing::Test {
 protected:
  conformance::TemporaryFolder folder;

  void SetUp() override { write_file(folder.path() / "small.toml", small_config()); }

  /// Runs `small.toml` under a name, with a teacher of two steps that is a network.
  void start(const std::string& name, Arguments more) {
    more.insert(more.begin(), {"run", "small.toml", "--run.name=" + name, "--run.threads=1",
                               "--train.schedule=constant", "--teacher.type=network", "--teacher.train.steps=2"});
    const Outcome outcome = ttfm(folder.path(), more);
    ASSERT_EQ(outcome.code, 0) << outcome.err;
  }
  std::string file(const std::string& name, const std::string& of_checkpoint) const {
    return read_file(folder.path() / "runs" / name / "student/checkpoints/step-00000020" / of_checkpoint);
  }
  double last_loss(const std::string& name) const {
    std::istringstream lines(read_file(folder.path() / "runs" / name / "metrics.jsonl"));
    double loss = NAN;
    for (std::string line; std::getline(lines, line);) loss = nlohmann::json::parse(line).at("loss");
    return loss;
  }
};

TEST_F(Precision, InBf16IsNearlyTheRunInFp32) {
  for (const char* type : {"itvm", "lfmd"}) {
    const std::string loss = type;
    start(loss + "-32", {"--loss.type=" + loss});
    start(loss + "-16", {"--loss.type=" + loss, "--train.precision=bf16"});
    start(loss + "-frozen", {"--loss.type=" + loss, "--train.frozen_precision=bf16"});

    for (const char* kind : {"-16", "-frozen"}) {
      EXPECT_NE(file(loss + kind, "model.safetensors"), file(loss + "-32", "model.safetensors"))
          << "nothing was rounded";
      EXPECT_NEAR(last_loss(loss + kind) / last_loss(loss + "-32"), 1, 0.05) << loss << kind;
    }
  }
}

TEST_F(Precision, ABf16RunThatIsResumedIsTheSameRunBitForBit) {
  const Arguments low = {"--train.precision=bf16", "--loss.type=lfmd"};
  start("whole", low);
  Arguments part = low;
  part.push_back("--train.steps=13");
  start("parts", part);
  Arguments rest = low;
  rest.push_back("--resume=must");
  start("parts", rest);

  for (const char* each : {"model.safetensors", "ema.safetensors", "optimizer.safetensors"}) {
    EXPECT_EQ(file("parts", each), file("whole", each)) << each;
  }
}

TEST_F(Precision, ActivationsThatAreComputedAgainChangeNothing) {
  start("kept", {});
  start("again", {"--train.activations=recompute"});

  EXPECT_EQ(file("again", "model.safetensors"), file("kept", "model.safetensors"));
}

}  // namespace
}  // namespace ttfm::test
