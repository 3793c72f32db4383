// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kConfig = R"([run]
name = "run"
device = "cpu"
threads = 1

[dataset]
type = "first"
radius = 1.25
held_out = [40, 40]
corners = [[-1, 0], [0, 1]]
file = "x.txt"

[teacher]
type = "first"

[student]
type = "first"
width = 8

[loss]
type = "first"

[sampler]
type = "first"

[train]
steps = 5
batch = 16

[eval]
samples = 32
evaluations = [1, 2]
teacher_evaluations = [4]
tolerance = 1e-3
)";

/// A plugin of a released minor, by the name of its folder.
class OldPlugin : public testing::TestWithParam<std::string> {
 protected:
  OldPlugin() {
    const fs::path plugins = folder_.path() / "plugins";
    fs::create_directory(plugins);
    file_ = plugins / "libttfm_first.so";
    fs::copy(fs::path(TTFM_OLD_PLUGINS) / GetParam() / "libttfm_first.so", file_);
    fs::permissions(file_, fs::perms::group_write | fs::perms::others_write, fs::perm_options::remove);
    write_file(folder_.path() / "first.toml", kConfig);
  }

  Outcome ttfm(std::vector<std::string> arguments) const {
    return test::ttfm(folder_.path(), arguments, {{"TTFM_PLUGIN_PATH", (folder_.path() / "plugins").string()}});
  }

  void expect_success(const std::vector<std::string>& arguments) const {
    const Outcome outcome = ttfm(arguments);
    EXPECT_EQ(outcome.code, 0) << arguments[0] << ": " << outcome.out << outcome.err;
  }

  conformance::TemporaryFolder folder_;
  fs::path file_;
};

std::vector<std::string> releases() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(TTFM_OLD_PLUGINS)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  return names;
}

TEST(OldPlugins, AreThere) { EXPECT_FALSE(releases().empty()); }

TEST_P(OldPlugin, IsTakenAndDescribed) {
  const Outcome check = ttfm({"plugin", "check", file_.string()});

  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_NE(check.out.find("built for  ttfm plugin ABI " + GetParam()), std::string::npos) << check.out;
  for (const char* kind : {"dataset", "teacher", "student", "loss", "sampler"}) {
    expect_success({"plugin", "describe", std::string(kind) + "/first"});
  }
}

TEST_P(OldPlugin, RunsAllThatItOffers) {
  expect_success({"run", "first.toml"});
  expect_success(
      {"sample", "runs/run", "--evaluations", "2", "--count", "8", "--out", "x.safetensors", "--model", "student"});
}

// Plugins of before [train] precision know nothing of it.
TEST_P(OldPlugin, ComputesIn16Bits) {
  expect_success({"run", "first.toml", "--train.precision=bf16"});
  expect_success({"run", "first.toml", "--teacher.type=network", "--teacher.train.steps=3",
                  "--teacher.sampler.type=first", "--student.init=teacher", "--train.precision=bf16",
                  "--teacher.train.precision=bf16", "--run.name=own"});
}

TEST_P(OldPlugin, ComputesActivationsAgain) {
  std::vector<std::string> run = {"run", "first.toml", "--train.activations=recompute"};
  if (GetParam() != "1.0") run.push_back("--student.recompute=true");  // it sees what was chosen
  expect_success(run);
}

TEST_P(OldPlugin, TrainsATeacherOfItsOwnNetworkAndResumes) {
  expect_success({"run", "first.toml", "--teacher.type=network", "--teacher.train.steps=3",
                  "--teacher.sampler.type=first", "--student.init=teacher"});
  expect_success({"run", "first.toml", "--teacher.type=network", "--teacher.train.steps=3",
                  "--teacher.sampler.type=first", "--student.init=teacher", "--train.steps=8", "--resume=must"});
}

INSTANTIATE_TEST_SUITE_P(All, OldPlugin, testing::ValuesIn(releases()), [](const auto& release) {
  std::string name = "Abi" + release.param;
  for (char& c : name) c = c == '.' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace ttfm::test
