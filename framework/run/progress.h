// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ttfm::run {

/// What a progress line says of the training, as it was last read from the device.
struct ProgressValues {
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms;
  double lr = 0;
  std::optional<double> gradient_norm;
  std::optional<double> data_share;  ///< of the time, spent waiting for data: 0.03
};

/// How far, how fast.
struct ProgressPace {
  std::string stage;
  int64_t step = 0;
  int64_t steps = 0;
  double rate = 0;  ///< steps in a second; 0: not known yet
};

/// [student] 1200/20000 6% | loss .0312 (terminal .021 initial .010) | lr 2.0e-4 | |g| .83 | 41.2 it/s | ETA 7m38s
std::string progress_line(const ProgressPace& pace, const ProgressValues& values);

/// The same with a bar in front, cut to `columns`.
std::string progress_bar(const ProgressPace& pace, const ProgressValues& values, int columns, bool coloured);

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
  void draw(const ProgressValues& values);
  void erase();
  void redraw();

  Options options_;
  std::mutex mutex_;  // log lines come from any thread
  ProgressPace pace_;
  std::string drawn_;  // the bar on the screen; empty: none
  double shown_at_ = 0, recorded_at_ = 0, measured_at_ = 0;
  int64_t measured_step_ = 0;
};

}  // namespace ttfm::run
