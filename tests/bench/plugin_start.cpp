// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// What plugins cost at the start: programs as whole processes beside an empty one that links LibTorch, run in turn, and
// the opening of every first-party plugin inside a process that has LibTorch already. Medians; ends with 1 if a bar is
// missed.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "host/registry.h"

namespace {

using namespace ttfm;

constexpr int kRuns = 31;
constexpr double kListBar = 50, kOpenBar = 30;  // ms

double milliseconds(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/// Ends a child with 1 unless `action` returns 0, and waits for it.
void in_a_child(const std::function<int()>& action) {
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) _exit(action());
  int status = 1;
  waitpid(child, &status, 0);
  if (status != 0) {
    std::fprintf(stderr, "plugin_start: a program that was to be timed failed\n");
    std::exit(1);
  }
}

void run(const std::vector<std::string>& words) {
  in_a_child([&] {
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    execv(argv[0], argv.data());
    return 127;
  });
}

/// Opens every plugin, and fails where one is refused.
int open_all() {
  const host::Registry registry(host::search_path());
  for (const host::ComponentInfo& each : registry.components(/*open_all=*/true)) {
    if (each.state != host::ComponentInfo::State::open) return 1;
  }
  return 0;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool report(const char* what, double value, double bar) {
  std::printf("%-58s %6.1f ms   at most %2.0f: %s\n", what, value, bar, value <= bar ? "met" : "MISSED");
  return value <= bar;
}

}  // namespace

int main() {
  std::vector<double> empty, list, version, open;
  for (int i = 0; i < kRuns; ++i) {
    empty.push_back(milliseconds([] { run({TTFM_EMPTY}); }));
    list.push_back(milliseconds([] { run({TTFM_PROGRAM, "plugin", "list"}); }));
    version.push_back(milliseconds([] { run({TTFM_PROGRAM, "--version"}); }));
    open.push_back(milliseconds([] { in_a_child(open_all); }) - milliseconds([] { in_a_child([] { return 0; }); }));
  }
  std::printf("%-58s %6.1f ms\n", "an empty program that links LibTorch", median(empty));
  std::printf("%-58s %6.1f ms\n", "ttfm --version", median(version));
  std::printf("%-58s %6.1f ms\n", "ttfm plugin list", median(list));
  const bool listed = report("ttfm plugin list, beyond the empty program", median(list) - median(empty), kListBar);
  const bool opened = report("opening every first-party plugin, LibTorch being there", median(open), kOpenBar);
  return listed && opened ? 0 : 1;
}
