// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <ttfm/conformance/numbers.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/io/safetensors.h>
#include <ttfm/plugin.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kAbi = TTFM_STRINGIFY(TTFM_ABI_MAJOR) "." TTFM_STRINGIFY(TTFM_ABI_MINOR);

/// One finished run for the tests that only look at it.
class Finished : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new conformance::TemporaryFolder;
    write_file(folder_->path() / "small.toml", small_config());
    ASSERT_EQ(ttfm(folder_->path(), {"run", "small.toml"}).code, 0);
  }
  static void TearDownTestSuite() { delete folder_; }
  static const fs::path& folder() { return folder_->path(); }

 private:
  inline static conformance::TemporaryFolder* folder_ = nullptr;
};

TEST_F(Finished, SampleWritesAPicture) {
  const Outcome outcome = ttfm(folder(), {"sample", "runs/run", "--evaluations", "2", "--out", "samples.png"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(read_file(folder() / "samples.png").substr(1, 3), "PNG");
}

TEST_F(Finished, SampleWritesTheSameTensorWhateverTheBatch) {
  const std::vector<std::string> sample = {"sample", "runs/run", "--count", "10", "--out"};
  auto whole = sample, parts = sample;
  whole.push_back("whole.safetensors");
  parts.insert(parts.end(), {"parts.safetensors", "--batch", "3"});
  ASSERT_EQ(ttfm(folder(), whole).code, 0);
  ASSERT_EQ(ttfm(folder(), parts).code, 0);

  const at::Tensor x = io::SafetensorsFile(folder() / "whole.safetensors").read("x");
  EXPECT_EQ(x.sizes(), (std::vector<int64_t>{10, 2}));
  EXPECT_LT(conformance::max_difference(x, io::SafetensorsFile(folder() / "parts.safetensors").read("x")), 1e-5);
}

TEST_F(Finished, SampleAsksTheTeacherToo) {
  const Outcome outcome =
      ttfm(folder(), {"sample", "runs/run", "--model", "teacher", "--evaluations", "8", "--out", "teacher.png"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.err.find("64 samples of the teacher with 8 evaluations each"), std::string::npos) << outcome.err;
}

TEST_F(Finished, EvalMeasuresAgainWithOtherNumbers) {
  const Outcome outcome = ttfm(folder(), {"eval", "runs/run", "--eval.evaluations=[1,3]", "--out", "again"});

  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(read_file(folder() / "again/eval/results.csv").find("student,flow_map,ema,3,"), std::string::npos);
}

TEST_F(Finished, AnExportedStudentCanStartAnother) {
  const Outcome outcome = ttfm(folder(), {"run", "small.toml", "--run.name=next", "--student.checkpoint=runs/run"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST_F(Finished, ACheckpointOfAnotherNetworkIsRefused) {
  const Outcome outcome =
      ttfm(folder(), {"run", "small.toml", "--run.name=other", "--student.checkpoint=runs/run", "--student.width=24"});

  EXPECT_EQ(outcome.code, 4) << outcome.err;
  EXPECT_NE(outcome.err.find("hidden"), std::string::npos) << outcome.err;
}

TEST_F(Finished, ConfigShowPrintsWhatCanBeRunAgain) {
  const Outcome shown = ttfm(folder(), {"config", "show", "small.toml", "--train.lr=2e-3"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  write_file(folder() / "shown.toml", shown.out);

  const Outcome checked = ttfm(folder(), {"config", "check", "shown.toml"});

  EXPECT_EQ(checked.code, 0) << checked.err;
  EXPECT_NE(shown.out.find("lr = 0.002"), std::string::npos);
}

TEST(PluginCommands, ListShowsEveryFirstPartyComponent) {
  const conformance::TemporaryFolder folder;
  const Outcome outcome = ttfm(folder.path(), {"plugin", "list"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name :
       {"flow_matching", "lfmd", "itvm", "mlp", "unet", "dit", "network", "gaussian_mixture", "euler", "heun", "dopri5",
        "flow_map", "checkerboard", "two_moons", "spirals", "idx", "cifar10", "image_folder", "tensor"}) {
    EXPECT_NE(outcome.out.find(name), std::string::npos) << name;
  }
}

TEST(PluginCommands, RemovingALibraryRemovesJustItsComponent) {
  const conformance::TemporaryFolder folder;
  const fs::path lib = folder.path() / "lib", plugins = lib / "ttfm/plugins/1";
  fs::create_directories(plugins);
  fs::copy_file(TTFM_LIBRARY, lib / "libttfm.so.1");
  fs::copy(TTFM_PLUGINS, plugins, fs::copy_options::recursive);
  fs::remove(plugins / "libttfm_loss_lfmd.so");
  write_file(folder.path() / "small.toml", small_config());
  const std::map<std::string, std::string> moved = {{"LD_LIBRARY_PATH", lib.string()}};

  const Outcome with = ttfm(folder.path(), {"config", "check", "small.toml"}, moved);
  const Outcome without = ttfm(folder.path(), {"config", "check", "small.toml", "--loss.type=lfmd"}, moved);

  EXPECT_EQ(with.code, 0) << with.err;
  EXPECT_EQ(without.code, 2);
  EXPECT_NE(without.err.find("lfmd"), std::string::npos) << without.err;
  EXPECT_EQ(ttfm(folder.path(), {"config", "check", "small.toml", "--loss.type=lfmd"}).code, 0);
}

TEST(PluginCommands, DescribeShowsAComponentsParameters) {
  const conformance::TemporaryFolder folder;
  const Outcome outcome = ttfm(folder.path(), {"plugin", "describe", "loss/itvm"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  for (const char* name :
       {"step", "integrator", "target", "target_decay", "derivative", "damping", "stop_gradient", "lambda_init"}) {
    EXPECT_NE(outcome.out.find(name), std::string::npos) << name;
  }
}

TEST(PluginCommands, CheckSaysWhatAFileIs) {
  const conformance::TemporaryFolder folder;
  const fs::path file = fs::path(TTFM_PLUGINS) / "libttfm_sampler_euler.so";
  const Outcome outcome = ttfm(folder.path(), {"plugin", "check", file.string()});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out.substr(0, outcome.out.find("  offers")), file.string() +
                                                                     "\n  plugin     euler 0.1.0, Apache-2.0\n"
                                                                     "  built for  ttfm plugin ABI " +
                                                                     kAbi +
                                                                     ", LibTorch 2.15, x86_64;libstdc++;cxx11abi=1\n");
  EXPECT_TRUE(outcome.out.ends_with("  verdict    this ttfm takes it\n")) << outcome.out;
}

TEST(PluginCommands, CheckRefusesWhatIsNoPlugin) {
  const conformance::TemporaryFolder folder;
  write_file(folder.path() / "notes.so", "a shopping list\n");
  const std::string reason = "'" + (folder.path() / "notes.so").string() + "' is not an ELF shared object.";

  const Outcome text = ttfm(folder.path(), {"plugin", "check", "notes.so"});
  const Outcome json = ttfm(folder.path(), {"plugin", "check", "notes.so", "--json"});

  EXPECT_EQ(text.code, 5);
  EXPECT_EQ(text.err, "error[E102]: " + reason + "\n");
  EXPECT_EQ(json.code, 5);
  EXPECT_NE(json.out.find("\"code\": 102,\n  \"reason\": \"" + reason + "\""), std::string::npos) << json.out;
}

TEST(PluginCommands, CheckTellsThatAFileWouldNotBeFound) {
  const conformance::TemporaryFolder folder;
  fs::copy(fs::path(TTFM_PLUGINS) / "libttfm_sampler_euler.so", folder.path() / "euler.so");

  const Outcome outcome = ttfm(folder.path(), {"plugin", "check", "euler.so"});

  EXPECT_EQ(outcome.code, 0);
  EXPECT_TRUE(outcome.out.ends_with("this ttfm takes it, but finds files named libttfm_*.so alone: rename it\n"))
      << outcome.out;
}

TEST(Commands, DoctorFindsTheProductSound) {
  const conformance::TemporaryFolder folder;

  const Outcome outcome = ttfm(folder.path(), {"doctor"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find(std::string("  ") + TTFM_PLUGINS + " (beside libttfm.so): 21 files\n"), std::string::npos)
      << outcome.out;
  EXPECT_TRUE(outcome.out.ends_with("no problem found\n")) << outcome.out;
}

TEST(Commands, DoctorTellsOfARefusedPlugin) {
  const conformance::TemporaryFolder folder;
  write_file(folder.path() / "libttfm_broken.so", "a shopping list\n");

  const Outcome outcome = ttfm(folder.path(), {"doctor", "--json", "--plugin-path", "."});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  const std::string note =
      "'" + (folder.path() / "libttfm_broken.so").string() + "' is not an ELF shared object. (E102)";
  EXPECT_NE(outcome.out.find(note), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(std::string("\"plugin_abi\": \"") + kAbi + "\""), std::string::npos) << outcome.out;
}

TEST(Commands, HelpAndVersionSucceed) {
  const conformance::TemporaryFolder folder;
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"--version"},
                                                                                         {"--help"},
                                                                                         {"run", "--help"},
                                                                                         {"sample", "--help"},
                                                                                         {"eval", "--help"},
                                                                                         {"plugin", "--help"}}) {
    const Outcome outcome = ttfm(folder.path(), arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_FALSE(outcome.out.empty());
  }
  EXPECT_NE(ttfm(folder.path(), {"run", "--help"}).out.find("Example: ttfm run"), std::string::npos);
}

}  // namespace
}  // namespace ttfm::test
