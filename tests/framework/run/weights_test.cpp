// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/weights.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>

#include "framework/run/sample_checkpoint.h"

namespace ttfm::run {
namespace {

namespace fs = std::filesystem;
using conformance::error_text;

class WeightsTest : public testing::Test {
 protected:
  conformance::TemporaryFolder temporary;
  const fs::path run = temporary.path() / "run";
  const Checkpoints student{run / "student" / "checkpoints"}, teacher{run / "teacher" / "checkpoints"};

  static float value(const LoadedWeights& weights) { return weights.tensors.at(0).value.view(-1)[0].item<float>(); }
};

TEST_F(WeightsTest, ComeFromAnyOfTheirPlaces) {
  const fs::path checkpoint = student.write(sample_checkpoint(10));

  EXPECT_EQ(load_weights(checkpoint / "model.safetensors").tensors.at(0).name, "in.weight");
  EXPECT_EQ(value(load_weights(checkpoint / "model.safetensors")), 10);
  for (const fs::path& path : {run, run / "student", run / "student" / "checkpoints", checkpoint}) {
    EXPECT_EQ(value(load_weights(path)), 10.5) << path;
    EXPECT_EQ(value(load_weights(path, {"student", false})), 10) << path;
    EXPECT_EQ(load_weights(path).file, checkpoint / "ema.safetensors");
  }
}

TEST_F(WeightsTest, OfTheStageThatIsMeantAreTakenAndElseOfTheOther) {
  teacher.write(sample_checkpoint(20, "teacher"));
  EXPECT_EQ(value(load_weights(run)), 20.5);
  student.write(sample_checkpoint(10));

  EXPECT_EQ(value(load_weights(run)), 10.5);
  EXPECT_EQ(value(load_weights(run, {"teacher"})), 20.5);
}

TEST_F(WeightsTest, WithoutAnAverageAreTheRawOnes) {
  Checkpoint checkpoint = sample_checkpoint(4);
  checkpoint.groups.resize(1);
  student.write(checkpoint);

  EXPECT_EQ(value(load_weights(run)), 4);
}

TEST_F(WeightsTest, OfADamagedCheckpointAreNotUsed) {
  student.write(sample_checkpoint(1));
  const fs::path newest = student.write(sample_checkpoint(2));
  fs::resize_file(newest / "ema.safetensors", 20);

  EXPECT_EQ(value(load_weights(run)), 1.5);
  EXPECT_NE(error_text([&] { load_weights(newest); }).find("is damaged: ema.safetensors: has 20 bytes"),
            std::string::npos);
}

TEST_F(WeightsTest, ThatAreNotThereAreAClearError) {
  const std::string nothing = (temporary.path() / "nothing").string();
  EXPECT_EQ(error_text([&] { load_weights(nothing); }),
            "there are no weights at '" + nothing +
                "': no such file or folder. A .safetensors file or the folder of a run is expected");
  fs::create_symlink("loop", temporary.path() / "loop");
  const std::string loop = (temporary.path() / "loop").string();
  EXPECT_EQ(error_text([&] { load_weights(loop); }),
            "there are no weights at '" + loop +
                "': Too many levels of symbolic links. A .safetensors file or the folder of a run is expected");
  EXPECT_EQ(error_text([&] { load_weights("/dev/zero"); }),
            "there are no weights at '/dev/zero': it is neither a file nor a folder. A .safetensors file or the folder "
            "of a run is expected");
  fs::create_directories(run / "student" / "checkpoints");
  fs::create_symlink("MANIFEST.json", run / "MANIFEST.json");
  EXPECT_EQ(error_text([&] { load_weights(run); }),
            "there are no weights in the folder '" + run.string() +
                "': it holds neither MANIFEST.json nor checkpoints of a student or a teacher");
}

TEST(MatchWeights, GivesTheTensorsInTheWantedOrder) {
  const std::vector<io::NamedTensor> given = {{"b", at::zeros({2})}, {"a", at::zeros({3, 1})}};
  const std::vector<at::Tensor> matched = match_weights({{"a", {3, 1}}, {"b", {2}}}, given, "x.safetensors");

  ASSERT_EQ(matched.size(), 2U);
  EXPECT_TRUE(matched[0].is_same(given[1].value));
  EXPECT_TRUE(matched[1].is_same(given[0].value));
}

TEST(MatchWeights, ListsEveryDifferenceFiveOfEach) {
  std::vector<WantedWeight> wanted = {{"same", {2}}, {"c", {4, 4}}};
  for (int i = 0; i < 7; ++i) wanted.push_back({"w" + std::to_string(i), {i}});
  const std::vector<io::NamedTensor> given = {
      {"z", at::zeros({})}, {"same", at::zeros({2})}, {"c", at::zeros({3, 4})}, {"y", at::zeros({1, 2})}};

  EXPECT_EQ(error_text([&] { match_weights(wanted, given, "runs/x"); }),
            "'runs/x' is a checkpoint of another network:\n"
            "  7 missing: w0 [0], w1 [1], w2 [2], w3 [3], w4 [4] and 2 more\n"
            "  2 unexpected: z [], y [1, 2]\n"
            "  1 of another shape: c has [3, 4], not [4, 4]\n"
            "Give the network the parameters that it was trained with (config.resolved.toml of that run)");
}

}  // namespace
}  // namespace ttfm::run
