// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/trial.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <vector>

#include <ttfm/error.h>

namespace ttfm::host {
namespace {

constexpr size_t kMaxLines = 3;
constexpr size_t kMaxBytes = 1 << 16;

/// A file without a name, for a child to write to.
class Scratch {
 public:
  explicit Scratch(const char* name) : file_(memfd_create(name, MFD_CLOEXEC)) {
    if (file_ < 0) throw Error(ErrorKind::internal, std::string("no memory file: ") + std::strerror(errno));
  }
  ~Scratch() { close(file_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  int file() const { return file_; }
  size_t size() const { return static_cast<size_t>(lseek(file_, 0, SEEK_END)); }

  /// The last `bytes` of it.
  std::string tail(size_t bytes) const {
    const size_t length = std::min(bytes, size());
    std::string text(length, '\0');
    const ssize_t got = pread(file_, text.data(), length, static_cast<off_t>(size() - length));
    text.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return text;
  }

 private:
  int file_;
};

/// The last lines of a text as one, without empty lines, the frames of a backtrace, and what would steer a terminal.
std::string last_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const size_t start = line.find_first_not_of(" \t");
    if (start == std::string::npos || line.starts_with("frame #")) continue;
    for (char& c : line) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    lines.push_back(line.substr(start));
  }
  std::string last;
  for (size_t i = lines.size() - std::min(lines.size(), kMaxLines); i < lines.size(); ++i) {
    last += (last.empty() ? "" : " ") + lines[i];
  }
  return last;
}

[[noreturn]] void be_the_child(size_t count, const std::function<void(size_t)>& step, const Scratch& progress,
                               const Scratch& said) {
  const int null = open("/dev/null", O_RDWR);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  dup2(said.file(), STDERR_FILENO);
  for (size_t i = 0; i < count; ++i) {
    step(i);
    if (write(progress.file(), "", 1) != 1) _exit(1);
  }
  _exit(0);  // no destructors: what was opened for a trial is not wound down
}

}  // namespace

Trial try_in_child(size_t count, const std::function<void(size_t)>& step) {
  const Scratch progress("ttfm-progress"), said("ttfm-stderr");
  std::fflush(nullptr);  // or the child writes it once more
  const pid_t child = fork();
  if (child < 0) throw Error(ErrorKind::internal, std::string("no child process: ") + std::strerror(errno));
  if (child == 0) be_the_child(count, step, progress, said);

  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  Trial trial;
  trial.done = progress.size();
  if (trial.done == count) return trial;
  trial.ending = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) + ": " + strsignal(WTERMSIG(status))
                                     : "exit code " + std::to_string(WEXITSTATUS(status));
  trial.said = last_lines(said.tail(kMaxBytes));
  return trial;
}

}  // namespace ttfm::host
