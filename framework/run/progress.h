// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "run/progress_line.h"

namespace ttfm::run {

/// The progress of a stage on stderr: on a terminal one line that is rewritten, elsewhere a plain line every so many
/// seconds. log.txt gets the plain lines in both cases. Log lines that come in between take the bar's place and the bar
/// moves below them.
class Progress {
 public:
  struct Options {
    bool terminal = false;
    bool coloured = false;
    double seconds = 10;                              ///< from one plain line to the next: [log] seconds
    std::function<double()> clock;                    ///< seconds, monotonic
    std::function<int()> columns;                     ///< the terminal's width
    std::function<void(const std::string&)> console;  ///< bytes for the terminal
    std::function<void(const std::string&)> line;     ///< a plain line, to stderr and log.txt
    std::function<void(const std::string&)> record;   ///< a plain line, to log.txt alone
  };

  /// stderr as it is, NO_COLOR respected.
  static Options standard(double seconds);

  explicit Progress(Options options);
  ~Progress();  ///< takes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// A stage begins, or goes on, at `step` of `steps`.
  void begin(std::string stage, int64_t step, int64_t steps);

  /// It is time for another line. Reading values from a device makes it wait: only read them when this says so.
  bool due() const;

  /// Shows where the stage stands, whether it is due or not.
  void show(int64_t step, const ProgressValues& values);

  /// The stage is over: the bar's last state stays on the screen.
  void end();

 private:
  void measure(int64_t step, double now);
  void put_bar(std::string bar);

  Options options_;
  ProgressPace pace_;
  double shown_at_ = 0;     // when the console last got a line
  double recorded_at_ = 0;  // when log.txt did
  double measured_at_ = 0;  // where the rate is counted from

  std::mutex mutex_;  // of bar_: log lines come from any thread
  std::string bar_;   // what stands on the terminal's last line; empty: nothing
};

}  // namespace ttfm::run
