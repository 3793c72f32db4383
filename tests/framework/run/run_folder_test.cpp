// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/run_folder.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <regex>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

#include "base/log.h"
#include "framework/run/sample_checkpoint.h"

namespace ttfm::run {
namespace {

namespace fs = std::filesystem;
using conformance::error_text;

class RunFolderTest : public testing::Test {
 protected:
  conformance::TemporaryFolder temporary;

  RunRequest request(std::optional<std::string> name = "first", Resume resume = Resume::never) const {
    RunRequest made;
    made.parent = temporary.path() / "runs";
    made.name = std::move(name);
    made.config = "configs/quick start.toml";
    made.resume = resume;
    made.argv = {"ttfm", "run", "configs/quick start.toml", "--resume=never", "--run.name=first"};
    return made;
  }

  std::string place(const std::string& name) const { return (temporary.path() / "runs" / name).string(); }

  void make_run() const { RunFolder(request()).write_config("a = 1\n", "a = 1  # default\n"); }
};

TEST_F(RunFolderTest, IsNamedByTimeAndFileUnlessItHasAName) {
  const RunFolder named(request());
  const RunFolder first(request(std::nullopt)), second(request(std::nullopt));

  EXPECT_EQ(named.path(), place("first"));
  EXPECT_FALSE(named.resumed());
  EXPECT_NE(first.path(), second.path());
  const std::string name = first.path().filename().string();
  EXPECT_TRUE(std::regex_match(name, std::regex("20[0-9]{6}-[0-9]{4}-quick_start-[0-9a-f]{4}"))) << name;
}

TEST_F(RunFolderTest, ThatExistsIsRefusedWithTheCommandToResumeIt) {
  make_run();
  EXPECT_EQ(error_text([&] { RunFolder folder(request()); }),
            "the run folder '" + place("first") +
                "' is there already and nothing in it is written over.\n"
                "Go on with it: ttfm run 'configs/quick start.toml' --run.name=first --resume=auto\n"
                "Or give the new run another name: --run.name=first-2");
}

TEST_F(RunFolderTest, IsResumedWhenAskedFor) {
  EXPECT_FALSE(RunFolder(request("second", Resume::automatic)).resumed());
  make_run();
  EXPECT_TRUE(RunFolder(request("first", Resume::automatic)).resumed());
  EXPECT_TRUE(RunFolder(request("first", Resume::must)).resumed());
}

TEST_F(RunFolderTest, ThatMustBeResumedHasToBeThere) {
  EXPECT_EQ(error_text([&] { RunFolder folder(request("third", Resume::must)); }),
            "--resume=must, but there is no run in '" + place("third") + "'");
  EXPECT_FALSE(fs::exists(place("third")));
  EXPECT_EQ(error_text([&] { RunFolder folder(request(std::nullopt, Resume::must)); }),
            "--resume=must needs [run] name: a run without a name is always a new one");
}

TEST_F(RunFolderTest, OfSomethingElseIsLeftAlone) {
  fs::create_directories(place("first"));
  write_text(place("first") + "/thesis.tex", "");

  EXPECT_EQ(error_text([&] { RunFolder folder(request("first", Resume::automatic)); }),
            "'" + place("first") + "' is not the folder of a run (it has no run.lock): it is left alone");
}

TEST_F(RunFolderTest, BelongsToOneProcessAtATime) {
  {
    const RunFolder holder(request());
    const std::string text = error_text([&] { RunFolder second(request("first", Resume::automatic)); });
    EXPECT_TRUE(std::regex_match(text, std::regex("the run folder '.*/first' is in use by another process \\(process "
                                                  "[0-9]+ on .+\\): wait for its end, or stop it")))
        << text;
  }
  EXPECT_NO_THROW(RunFolder(request("first", Resume::automatic)));
}

TEST_F(RunFolderTest, NameIsOneFolder) {
  for (const char* name : {"", ".", "..", "a/b", "-x", ".x", "a b", "\xc3\xa4"}) {
    EXPECT_NE(error_text([&] { RunFolder folder(request(name)); }).find("cannot name a folder"), std::string::npos)
        << name;
  }
}

TEST_F(RunFolderTest, KeepsWhatItBeganWith) {
  make_run();
  const RunFolder again(request("first", Resume::automatic));
  again.write_config("a = 1\n", "a = 2  # command line\n");

  EXPECT_EQ(read_text(again.path() / "config.toml"), "a = 1\n");
  EXPECT_EQ(read_text(again.path() / "config.resolved.toml"), "a = 1  # default\n");
  EXPECT_FALSE(fs::exists(again.path() / "config.2.toml"));
  EXPECT_EQ(read_text(again.path() / "config.resolved.2.toml"), "a = 2  # command line\n");
}

TEST_F(RunFolderTest, KnowsTheLastOfEachKind) {
  make_run();
  const RunFolder folder(request("first", Resume::automatic));
  EXPECT_FALSE(folder.latest("inputs", ".json"));
  folder.write_config("a = 1\n", "a = 2\n");
  EXPECT_EQ(folder.latest("config.resolved", ".toml"), folder.path() / "config.resolved.2.toml");

  folder.write_config("a = 1\n", "a = 1  # default\n");
  EXPECT_EQ(folder.latest("config.resolved", ".toml"), folder.path() / "config.resolved.3.toml")
      << "the first again, after another";
}

TEST_F(RunFolderTest, IsRidOfWhatAKilledProcessLeftHalfWritten) {
  make_run();
  const fs::path run = place("first");
  write_text(run / ".status.json.tmp-4711-0", "{");
  fs::create_directories(run / "student/checkpoints/step-00000002.tmp-4711");
  write_text(run / "student/checkpoints/step-00000002.tmp-4711/model.safetensors", "half");
  write_text(run / "student/checkpoints/.LATEST.tmp-4711-1", "step");
  write_text(run / "student/checkpoints/LATEST", "step-00000001\n");

  const RunFolder again(request("first", Resume::automatic));

  EXPECT_FALSE(fs::exists(run / ".status.json.tmp-4711-0"));
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(run / "student/checkpoints")) {
    left.push_back(entry.path().filename().string());
  }
  EXPECT_EQ(left, std::vector<std::string>{"LATEST"});
}

TEST_F(RunFolderTest, SaysInWhatTheMachineDiffers) {
  const RunFolder folder(request());
  Environment environment{{{"ttfm", "1.0"}, {"libtorch", "2.15.0"}}, {"ttfm"}, "cpu", 2, "avx2", 7, {}, {}};
  folder.write_environment(environment);
  EXPECT_TRUE(differences(folder.last_environment(), environment).empty());

  environment.threads = 1;
  environment.instruction_set = "avx512";
  environment.versions["libtorch"] = "2.16.0";
  EXPECT_EQ(differences(folder.last_environment(), environment),
            (std::vector<std::string>{"threads: 1, before 2", "instruction_set: \"avx512\", before \"avx2\"",
                                      "libtorch: \"2.16.0\", before \"2.15.0\""}));
  EXPECT_TRUE(differences("", environment).empty());
}

TEST_F(RunFolderTest, HasALineForEachStart) {
  const RunFolder folder(request());
  EXPECT_EQ(folder.last_environment(), "");
  Environment environment{{}, {"ttfm"}, "cpu", 1, "avx2", 7, {}, {}};
  folder.write_environment(environment);
  const std::string first = read_text(folder.path() / "env.json");
  write_text(folder.path() / "history.jsonl", read_text(folder.path() / "history.jsonl") + "{\"half");
  environment.changes = {"train.steps = 3, it was 2"};
  folder.write_environment(environment);

  EXPECT_EQ(read_text(folder.path() / "env.json"), first);
  EXPECT_EQ(nlohmann::json::parse(folder.last_environment()).at("changes").at(0), "train.steps = 3, it was 2");
  const std::string history = read_text(folder.path() / "history.jsonl");
  EXPECT_EQ(std::count(history.begin(), history.end(), '\n'), 3) << "two starts, and what a killed one left";
}

TEST_F(RunFolderTest, DoesNotWaitForAPipeInThePlaceOfAFile) {
  make_run();
  const fs::path file = fs::path(place("first")) / "config.toml";
  fs::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);
  const RunFolder again(request("first", Resume::automatic));
  again.write_config("a = 1\n", "a = 1  # default\n");

  EXPECT_EQ(read_text(again.path() / "config.2.toml"), "a = 1\n");
}

TEST_F(RunFolderTest, HasItsStatus) {
  RunFolder folder(request());
  folder.write_status({Status::State::running, "student", 50, 3000});
  const nlohmann::json running = nlohmann::json::parse(read_text(folder.path() / "status.json"));
  folder.write_status({Status::State::failed, "student", 60, 3000, 6, "the loss is not finite"});
  const nlohmann::json failed = nlohmann::json::parse(read_text(folder.path() / "status.json"));

  EXPECT_EQ(running.at("state"), "running");
  EXPECT_EQ(running.at("stage"), "student");
  EXPECT_EQ(running.at("step"), 50);
  EXPECT_EQ(running.at("steps"), 3000);
  EXPECT_FALSE(running.contains("exit_code"));
  EXPECT_EQ(failed.at("state"), "failed");
  EXPECT_EQ(failed.at("exit_code"), 6);
  EXPECT_EQ(failed.at("reason"), "the loss is not finite");
}

TEST_F(RunFolderTest, EndsWhereItLastStood) {
  RunFolder folder(request("end"));
  folder.write_status({Status::State::running, "student", 50, 3000});

  folder.end(Status::State::stopped, 143, "stopped by a signal");

  const auto status = nlohmann::json::parse(read_text(folder.path() / "status.json"));
  EXPECT_EQ(status.at("state"), "stopped");
  EXPECT_EQ(status.at("stage"), "student");
  EXPECT_EQ(status.at("step"), 50);
  EXPECT_EQ(status.at("exit_code"), 143);
}

TEST_F(RunFolderTest, SaysHowToGoOnWithARunThatHadNoName) {
  RunRequest nameless = request("any");
  nameless.name.reset();
  nameless.argv = {"ttfm", "run", "a.toml", "--resume=never"};

  const RunFolder folder(nameless);

  EXPECT_EQ(folder.resume_command(),
            "ttfm run a.toml --run.name=" + folder.path().filename().string() + " --resume=auto");
}

TEST_F(RunFolderTest, RecordsTheEnvironmentAndThePluginsSums) {
  const fs::path plugin = temporary.path() / "libttfm_loss_x.so";
  write_text(plugin, "abc");
  const RunFolder folder(request());
  folder.write_environment(
      {{{"ttfm", "0.1.0"}}, {"ttfm", "run", "\xff"}, "cpu", 2, "avx2", 7, {{"loss_x", "1.2", plugin}}, {}});
  const nlohmann::json json = nlohmann::json::parse(read_text(folder.path() / "env.json"));

  EXPECT_EQ(json.at("versions").at("ttfm"), "0.1.0");
  EXPECT_EQ(json.at("device"), "cpu");
  EXPECT_EQ(json.at("threads"), 2);
  EXPECT_EQ(json.at("seed"), 7);
  EXPECT_EQ(json.at("plugins").at(0).at("path"), plugin.string());
  EXPECT_EQ(json.at("plugins").at(0).at("sha256"),  // FIPS 180-2, appendix B.1
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_F(RunFolderTest, HasTheLog) {
  const RunFolder folder(request());
  log::debug("a line for the file alone");

  log::info("and one more");  // which also writes out the first
  const std::string text = read_text(folder.path() / "log.txt");
  EXPECT_NE(text.find("a line for the file alone\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace ttfm::run
