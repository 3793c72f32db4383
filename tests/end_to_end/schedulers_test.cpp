// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// examples/schedulers, as far as it goes without Slurm, systemd and cron: their parts are played by small scripts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

const fs::path kExamples = fs::path(TTFM_EXAMPLES) / "schedulers";

/// A folder with small.toml, and with programs that stand in for those of a machine.
class Schedulers : public testing::Test {
 protected:
  conformance::TemporaryFolder folder;
  const fs::path run = folder.path() / "runs/job";

  void SetUp() override {
    write_file(folder.path() / "small.toml", small_config());
    fs::create_directory(folder.path() / "bin");
    fs::create_symlink(TTFM_PROGRAM, folder.path() / "bin/ttfm");
  }

  void program(const std::string& name, const std::string& text) const {
    write_file(folder.path() / "bin" / name, text);
    fs::permissions(folder.path() / "bin" / name, fs::perms::owner_all);
  }

  Outcome start(std::vector<std::string> words, std::map<std::string, std::string> environment = {}) const {
    environment["PATH"] = (folder.path() / "bin").string() + ":" + std::getenv("PATH");
    environment["HOME"] = folder.path().string();
    return test::start(folder.path(), std::move(words), environment);
  }

  std::string state() const { return nlohmann::json::parse(read_file(run / "status.json")).at("state"); }

  /// Step of the student's last checkpoint.
  int64_t saved_step() const {
    return std::stoll(read_file(run / "student/checkpoints/LATEST").substr(std::string("step-").size()));
  }

  /// Names and bytes of all files below the folder.
  std::set<std::string> listing() const {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
      if (entry.is_regular_file()) all.insert(entry.path().string() + "\n" + read_file(entry.path()));
    }
    return all;
  }
};

/// The lock of a run's folder, as a process that trains has it.
class Held {
 public:
  explicit Held(const fs::path& run) : descriptor_(open((run / "run.lock").c_str(), O_RDWR)) {
    EXPECT_EQ(flock(descriptor_, LOCK_EX | LOCK_NB), 0);
  }
  ~Held() { close(descriptor_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  int descriptor_;
};

TEST_F(Schedulers, ASecondStartDisturbsNothing) {
  const std::vector<std::string> command = {"ttfm", "run", "small.toml", "--run.name=job", "--resume=auto"};
  ASSERT_EQ(start(command).code, 0);
  const Held held(run);
  const std::set<std::string> before = listing();

  const Outcome second = start(command);

  EXPECT_EQ(second.code, 2);
  EXPECT_NE(second.err.find("' is in use by another process ("), std::string::npos) << second.err;
  EXPECT_EQ(listing(), before);
}

class Slurm : public Schedulers {
 protected:
  void SetUp() override {
    Schedulers::SetUp();
    // srun sends the signal of `--signal=USR1@120` once the training has begun, if the file `time-is-over` is there
    program("srun", R"(#!/bin/bash
echo "srun $*" >>calls
mkfifo stderr
"$@" 2>stderr &
while IFS= read -r line; do
  printf '%s\n' "$line" >&2
  if [[ $line == "stage 'student': "* && -e time-is-over ]]; then rm time-is-over; kill -USR1 $!; fi
done <stderr
rm stderr
wait $!
)");
    program("scontrol", "#!/bin/bash\necho \"scontrol $*\" >>calls\n");
  }

  Outcome batch(std::vector<std::string> more) const {
    more.insert(more.begin(), {(kExamples / "slurm.sh").string(), "small.toml", "job"});
    return start(more, {{"SLURM_JOB_ID", "4711"}});
  }
};

TEST_F(Slurm, AJobWhoseTimeIsOverIsQueuedAgainAndGoesOnToItsEnd) {
  write_file(folder.path() / "time-is-over", "");

  const Outcome first = batch({"--train.steps=1000000000"});

  EXPECT_EQ(first.code, 75) << first.err;
  EXPECT_EQ(state(), "stopped");
  EXPECT_EQ(read_file(folder.path() / "calls"),
            "srun ttfm run small.toml --run.name=job --resume=auto --train.steps=1000000000\n"
            "scontrol requeue 4711\n");
  fs::remove(folder.path() / "calls");
  const int64_t step = saved_step();

  const Outcome second = batch({"--train.steps=" + std::to_string(step + 5)});

  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_NE(second.err.find("stage 'student' goes on after step " + std::to_string(step) + "\n"), std::string::npos)
      << second.err;
  EXPECT_EQ(state(), "done");
  EXPECT_EQ(read_file(folder.path() / "calls").find("scontrol"), std::string::npos);
}

TEST_F(Slurm, AJobThatFailsIsNotQueuedAgain) {
  const Outcome outcome = batch({"--train.stpes=5"});

  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(read_file(folder.path() / "calls").find("scontrol"), std::string::npos);
}

TEST_F(Slurm, TheScriptAsksForTheSignalAndMayBeQueuedAgain) {
  std::set<std::string> options;
  std::istringstream lines(read_file(kExamples / "slurm.sh"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#SBATCH ")) options.insert(line.substr(8));
  }
  EXPECT_TRUE(options.contains("--signal=USR1@120")) << "not B:, which only the script would get";
  EXPECT_TRUE(options.contains("--requeue"));
  EXPECT_TRUE(options.contains("--open-mode=append"));
}

class Cron : public Schedulers {
 protected:
  void SetUp() override {
    Schedulers::SetUp();
    fs::create_directory(folder.path() / "ttfm");
    fs::copy(kExamples / "ttfm-watch", folder.path() / "ttfm");
    fs::rename(folder.path() / "small.toml", folder.path() / "ttfm/cifar.toml");
    fs::create_directory_symlink("ttfm/runs", folder.path() / "runs");
  }

  const fs::path watched = folder.path() / "ttfm/runs/cifar";

  /// The commands of the crontab, each behind its times.
  static std::vector<std::string> commands() {
    std::vector<std::string> all;
    std::istringstream lines(read_file(kExamples / "crontab"));
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line[0] == '#' || line.starts_with("PATH=")) continue;
      std::istringstream words(line);
      std::string word;
      words >> word;
      for (int field = 1; field < 5 && word != "@reboot"; ++field) words >> word;
      std::getline(words >> std::ws, line);
      all.push_back(line);
    }
    return all;
  }
  Outcome cron(size_t line = 0) const { return start({"sh", "-c", commands().at(line)}); }
};

TEST_F(Cron, TheLinesBeginARunAndThenLeaveItAlone) {
  ASSERT_EQ(commands().size(), 2u);
  const Outcome first = cron(0);

  EXPECT_EQ(first.code, 0);
  EXPECT_EQ(first.out + first.err, "") << "cron would send a mail";
  EXPECT_NE(read_file(watched / "status.json").find("\"state\": \"done\""), std::string::npos);
  const std::set<std::string> before = listing();

  const Outcome second = cron(1);

  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(second.out + second.err, "");
  EXPECT_EQ(listing(), before);
}

TEST_F(Cron, ARunThatWasStoppedGoesOn) {
  ASSERT_EQ(cron().code, 0);
  const std::string weights = read_file(watched / "student/checkpoints/step-00000020/model.safetensors");
  fs::remove_all(watched / "student/checkpoints/step-00000020");  // as if the power had failed before its end
  write_file(watched / "status.json", "{\"state\": \"running\"}\n");

  EXPECT_EQ(cron().code, 0);

  EXPECT_EQ(read_file(watched / "student/checkpoints/step-00000020/model.safetensors"), weights);
  EXPECT_NE(read_file(folder.path() / "ttfm/runs/cifar.log").find("goes on after step 14\n"), std::string::npos);
}

TEST_F(Cron, ARunThatIsUnderWayIsLeftAlone) {
  ASSERT_EQ(cron().code, 0);
  write_file(watched / "status.json", "{\"state\": \"running\"}\n");
  const Held held(watched);
  const std::set<std::string> before = listing();

  const Outcome outcome = cron();

  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out + outcome.err, "");
  EXPECT_EQ(listing(), before);
}

TEST_F(Cron, AStartThatCannotSucceedIsToldOnce) {
  const fs::path config = folder.path() / "ttfm/cifar.toml";
  write_file(config, read_file(config) + "evry = 3\n");

  const Outcome first = cron(), second = cron();

  EXPECT_EQ(first.code, 2);
  EXPECT_EQ(first.err.substr(0, first.err.find('\n')),
            "ttfm-watch: 'cifar' ended with exit code 2 and is not started again while runs/cifar.failed is there");
  EXPECT_NE(first.err.find("unknown key `evry` in [checkpoint]"), std::string::npos) << first.err;
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(second.out + second.err, "");
  write_file(config, small_config());
  fs::remove(folder.path() / "ttfm/runs/cifar.failed");
  EXPECT_EQ(cron().code, 0);
}

class Systemd : public Schedulers {
 protected:
  static constexpr const char* kUnit = "ttfm@.service";

  /// The settings of the unit as they stand there, by "Section.Key".
  static std::map<std::string, std::string> settings() {
    std::map<std::string, std::string> all;
    std::string section;
    std::istringstream lines(read_file(kExamples / kUnit));
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("["))
        section = line.substr(1, line.find(']') - 1) + ".";
      else if (!line.empty() && line[0] != '#')
        all[section + line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
    }
    return all;
  }

  /// `text` for the instance "job", with the programs and folders of this test.
  std::string here(std::string text) const {
    for (const auto& [what, by] : std::map<std::string, std::string>{{"%i", "job"},
                                                                     {"/opt/ttfm/bin/ttfm", TTFM_PROGRAM},
                                                                     {"/etc/ttfm", folder.path().string()},
                                                                     {"/var/lib/ttfm", folder.path().string()}}) {
      for (size_t at = text.find(what); at != std::string::npos; at = text.find(what))
        text.replace(at, what.size(), by);
    }
    return text;
  }
  Outcome command(const char* key) const { return start({"sh", "-c", here(settings().at(key))}); }
};

TEST_F(Systemd, AnInstanceIsRunToItsEndAndThenNotAgain) {
  fs::rename(folder.path() / "small.toml", folder.path() / "job.toml");

  EXPECT_EQ(command("Service.ExecCondition").code, 0) << "there is no run yet";
  const Outcome outcome = command("Service.ExecStart");

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(state(), "done");
  EXPECT_EQ(here(settings().at("Service.WorkingDirectory")), folder.path().string());
  EXPECT_EQ(command("Service.ExecCondition").code, 1) << "the run is done";
  write_file(run / "status.json", "{\n  \"state\": \"stopped\",\n  \"exit_code\": 143\n}\n");
  EXPECT_EQ(command("Service.ExecCondition").code, 0);
}

TEST_F(Systemd, ItIsStartedAgainWhereThatIsOfUse) {
  const std::map<std::string, std::string> unit = settings();

  EXPECT_EQ(unit.at("Service.Restart"), "on-failure");
  EXPECT_EQ(unit.at("Service.RestartForceExitStatus"), "75");
  EXPECT_EQ(unit.at("Service.RestartPreventExitStatus"), "2 3 4 5 6");
  EXPECT_EQ(unit.at("Service.KillSignal"), "SIGTERM");
  EXPECT_EQ(unit.at("Service.ExecReload"), "/bin/kill -USR2 $MAINPID");
  EXPECT_GE(std::stoi(unit.at("Service.TimeoutStopSec")), 60);
}

TEST_F(Systemd, TheUnitIsInOrder) {
  if (start({"sh", "-c", "command -v systemd-analyze"}).code != 0) GTEST_SKIP() << "there is no systemd-analyze";
  write_file(folder.path() / kUnit, here(read_file(kExamples / kUnit)));  // it looks for the program

  const Outcome outcome = start({"systemd-analyze", "verify", (folder.path() / kUnit).string()});

  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.err.find("ttfm@"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace ttfm::test
