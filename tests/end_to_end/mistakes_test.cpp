// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

/// What is wrong beside the configuration; wrong_configurations.txt has that.
class Mistakes : public testing::Test {
 protected:
  conformance::TemporaryFolder folder;

  void SetUp() override { write_file(folder.path() / "small.toml", small_config()); }
  Outcome run(std::vector<std::string> more) {
    more.insert(more.begin(), {"run", "small.toml"});
    return ttfm(folder.path(), more);
  }
  void replace(const std::string& what, const std::string& by) {
    std::string config = read_file(folder.path() / "small.toml");
    ASSERT_NE(config.find(what), std::string::npos);
    config.replace(config.find(what), what.size(), by);
    write_file(folder.path() / "small.toml", config);
  }
  bool wrote_a_run() const { return fs::exists(folder.path() / "runs"); }
};

TEST_F(Mistakes, WithoutACommandTheyAreListed) {
  const Outcome outcome = ttfm(folder.path(), {});

  EXPECT_EQ(outcome.code, 2);
  EXPECT_NE(outcome.err.find("\nSubcommands:\n  run "), std::string::npos) << outcome.err;
}

TEST_F(Mistakes, AFolderFullOfBadPluginsDisturbsNoRunThatDoesNotAskForThem) {
  const Outcome outcome = run({"--plugin-path", TTFM_ZOO_DIR});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST_F(Mistakes, AFolderFullOfBadPluginsIsNoProblemOfTheMachine) {
  const Outcome outcome = ttfm(folder.path(), {"doctor", "--plugin-path", TTFM_ZOO_DIR});

  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_NE(outcome.out.find("note: loss 'ends_by_exit': "), std::string::npos) << outcome.out;
}

TEST_F(Mistakes, ABadPluginStopsTheRunThatAsksForIt) {
  const Outcome outcome = run({"--plugin-path", TTFM_ZOO_DIR, "--loss.type=torch_tag"});

  EXPECT_EQ(outcome.code, 5);
  const std::string reason = std::string("error[E110]: '") + TTFM_ZOO_DIR +
                             "/libttfm_torch_tag.so' was built for LibTorch 2.14, this ttfm uses LibTorch 2.15.";
  EXPECT_NE(outcome.err.find(reason), std::string::npos) << outcome.err;
  EXPECT_FALSE(wrote_a_run());
}

TEST_F(Mistakes, AListOfAFolderFullOfBadPluginsHasTheReasonOfEach) {
  const Outcome outcome = ttfm(folder.path(), {"plugin", "list", "--plugin-path", TTFM_ZOO_DIR});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* number : {"E102", "E103", "E104", "E105", "E106", "E107", "E108", "E109", "E110", "E111", "E112",
                             "E113", "E118", "E119", "E130"}) {
    const bool expected = std::string(number) != "E102";  // files that are no library at all are made by other tests
    EXPECT_EQ(outcome.out.find(std::string("refused, ") + number + ": ") != std::string::npos, expected) << number;
  }
  EXPECT_NE(outcome.out.find("loss     good"), std::string::npos) << outcome.out;
}

TEST_F(Mistakes, ASamplerForTheWrongModelIsRefused) {
  const Outcome student = run({"--sampler.type=heun"});

  EXPECT_EQ(student.code, 2) << student.err;
  EXPECT_NE(student.err.find("`type` = \"heun\" in [sampler] works on velocity fields"), std::string::npos)
      << student.err;
  const Outcome teacher = run({"--teacher.sampler.type=flow_map"});
  EXPECT_EQ(teacher.code, 2) << teacher.err;
  EXPECT_NE(teacher.err.find("in [teacher.sampler] works on flow maps"), std::string::npos) << teacher.err;
  EXPECT_FALSE(wrote_a_run()) << "said only after the training";
}

TEST_F(Mistakes, AnExactTeacherOfOtherDataIsWarnedAbout) {
  const char* const warning = "the exact teacher of [teacher] is that of other data than [dataset]";

  EXPECT_EQ(run({}).err.find(warning), std::string::npos);
  EXPECT_NE(run({"--teacher.radius=5", "--run.name=other"}).err.find(warning), std::string::npos);
}

TEST_F(Mistakes, CudaWithoutADriverIsAnErrorOfItsOwn) {
  if (fs::exists("/dev/nvidiactl")) GTEST_SKIP() << "this machine has a CUDA driver";

  const Outcome outcome = run({"--run.device=cuda"});

  EXPECT_EQ(outcome.code, 8);
  EXPECT_NE(outcome.err.find("there is no CUDA driver"), std::string::npos) << outcome.err;
  EXPECT_EQ(run({"--run.device=tpu"}).code, 2);
}

TEST_F(Mistakes, ATruncatedDataSetIsNamed) {
  const auto data = folder.path() / "data";
  const std::string header("\0\0\x08\x03\0\0\0\x0a\0\0\0\x04\0\0\0\x04", 16);
  write_file(data / "train-images-idx3-ubyte", header + std::string(100, 'x'));
  write_file(data / "train-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x0a", 8) + std::string(10, '\1'));
  replace("type = \"gaussian_mixture\"", "type = \"idx\"\nfolder = \"data\"\ntest = \"\"\nvalidation = 2");

  const Outcome outcome = run({});

  EXPECT_EQ(outcome.code, 3) << outcome.err;
  EXPECT_NE(outcome.err.find("train-images-idx3-ubyte"), std::string::npos) << outcome.err;
  EXPECT_FALSE(wrote_a_run());
}

}  // namespace
}  // namespace ttfm::test
