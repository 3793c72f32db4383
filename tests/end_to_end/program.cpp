// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "end_to_end/program.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include <ttfm/conformance/temporary_folder.h>

namespace ttfm::test {

Outcome ttfm(const std::filesystem::path& folder, std::vector<std::string> arguments,
             const std::map<std::string, std::string>& environment) {
  arguments.insert(arguments.begin(), TTFM_PROGRAM);
  return start(folder, std::move(arguments), environment);
}

Outcome start(const std::filesystem::path& folder, std::vector<std::string> words,
              const std::map<std::string, std::string>& environment) {
  const conformance::TemporaryFolder capture;
  const auto out = capture.path() / "out", err = capture.path() / "err";
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);

  std::fflush(nullptr);  // or the child writes it once more
  const pid_t child = fork();
  if (child == 0) {
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("NO_COLOR", "1", 1);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    const bool ready = chdir(folder.c_str()) == 0 && freopen("/dev/null", "r", stdin) &&
                       freopen(out.c_str(), "w", stdout) && freopen(err.c_str(), "w", stderr);
    if (ready) execvp(argv[0], argv.data());
    _exit(127);
  }
  Outcome outcome;
  int status = 0;
  if (child > 0 && waitpid(child, &status, 0) == child) {
    outcome.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }
  outcome.out = read_file(out);
  outcome.err = read_file(err);
  return outcome;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << "cannot read " << path;
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

void write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string small_config() {
  return R"([run]
name = "run"
device = "cpu"
threads = 1

[dataset]
type = "gaussian_mixture"

[teacher]
type = "gaussian_mixture"

[student]
type = "mlp"
width = 16
depth = 2

[loss]
type = "itvm"

[train]
steps = 20
batch = 32

[eval]
samples = 64
teacher_evaluations = [8]
tolerance = 1e-3

[log]
every = 5

[checkpoint]
every = 7
)";
}

}  // namespace ttfm::test
