// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"

namespace ttfm::run {
namespace {

constexpr double kRedrawSeconds = 0.5;  // of the bar
constexpr double kRateSeconds = 10;     // over which the rate is averaged
constexpr const char* kErase = "\r\033[K";

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int terminal_columns() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void write_to_stderr(const std::string& bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

Progress::Options Progress::standard(double seconds) {
  const char* term = std::getenv("TERM");
  Options options;
  options.terminal = isatty(STDERR_FILENO) && term && std::string(term) != "dumb";
  options.coloured = options.terminal && !std::getenv("NO_COLOR");
  options.seconds = seconds;
  options.clock = monotonic_seconds;
  options.columns = terminal_columns;
  options.console = write_to_stderr;
  options.line = log::info;
  options.record = log::debug;
  return options;
}

Progress::Progress(Options options) : options_(std::move(options)) {
  if (!options_.terminal) return;
  const auto before = [this] {
    const std::lock_guard lock(mutex_);
    if (!bar_.empty()) options_.console(kErase);
  };
  const auto after = [this] {
    const std::lock_guard lock(mutex_);
    if (!bar_.empty()) options_.console(bar_);
  };
  log::set_console_hooks(before, after);
}

Progress::~Progress() {
  if (!options_.terminal) return;
  put_bar("");
  log::set_console_hooks({}, {});
}

void Progress::begin(std::string stage, int64_t step, int64_t steps) {
  pace_ = {std::move(stage), step, steps, 0};
  measured_at_ = shown_at_ = recorded_at_ = options_.clock();
}

bool Progress::due() const {
  return options_.clock() - shown_at_ >= (options_.terminal ? kRedrawSeconds : options_.seconds);
}

/// Exponential average of the rate over the last ten seconds or so; the first measurement counts whole.
void Progress::measure(int64_t step, double now) {
  const double passed = now - measured_at_;
  if (step <= pace_.step || passed <= 0) return;
  const double rate = static_cast<double>(step - pace_.step) / passed;
  const double weight = pace_.rate > 0 ? 1 - std::exp(-passed / kRateSeconds) : 1;
  pace_.rate += weight * (rate - pace_.rate);
  pace_.step = step;
  measured_at_ = now;
}

void Progress::put_bar(std::string bar) {
  const std::lock_guard lock(mutex_);
  if (bar.empty() && bar_.empty()) return;
  bar_ = std::move(bar);
  options_.console(kErase + bar_);
}

void Progress::show(int64_t step, const ProgressValues& values) {
  const double now = options_.clock();
  measure(step, now);
  shown_at_ = now;
  const std::string line = progress_line(pace_, values);
  if (!options_.terminal) {
    options_.line(line);
    return;
  }
  std::string bar = progress_bar(pace_, values, options_.columns() - 1);  // a full last column would wrap
  if (const size_t stage = pace_.stage.size() + 2; options_.coloured && bar.size() > stage) {
    bar = "\033[1m" + bar.substr(0, stage) + "\033[0m" + bar.substr(stage);
  }
  put_bar(std::move(bar));
  if (now - recorded_at_ < options_.seconds) return;
  recorded_at_ = now;
  options_.record(line);
}

void Progress::end() {
  const std::lock_guard lock(mutex_);
  if (bar_.empty()) return;
  options_.console("\n");
  bar_.clear();
}

}  // namespace ttfm::run
