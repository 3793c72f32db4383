// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
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
  int64_t skipped = 0;               ///< steps that were skipped for a number that was not finite; 0: not shown
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

/// The same with a bar after the stage, cut to `columns` characters.
std::string progress_bar(const ProgressPace& pace, const ProgressValues& values, int columns);

/// `digits` significant digits without a leading zero: ".0312", "41.2", "2.0e-4", "nan".
std::string short_number(double value, int digits);

/// "45s", "7m38s", "2h05m", "3d04h".
std::string short_duration(double seconds);

}  // namespace ttfm::run
