// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ttfm::train {

double learning_rate(const config::TrainSection& options, int64_t step) {
  if (step < options.warmup) {
    return options.lr * static_cast<double>(step + 1) / static_cast<double>(options.warmup + 1);
  }
  const auto length = static_cast<double>(std::max<int64_t>(1, options.steps - options.warmup));
  const double p = std::min(1.0, static_cast<double>(step - options.warmup) / length);
  const double f = options.final_lr;
  switch (options.schedule) {
    case config::Schedule::constant:
      return options.lr;
    case config::Schedule::cosine:
      return options.lr * (f + (1 - f) * (1 + std::cos(std::numbers::pi * p)) / 2);
    case config::Schedule::linear:
      return options.lr * (f + (1 - f) * (1 - p));
  }
  return options.lr;
}

double ema_decay(double decay, int64_t step) {
  const auto i = static_cast<double>(step);
  return std::min(decay, (1 + i) / (10 + i));
}

}  // namespace ttfm::train
