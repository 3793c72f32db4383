// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/progress_line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace ttfm::run {
namespace {

constexpr int kBarWidth = 20;

/// "1200/20000 6%": never 100% before the end.
std::string position(const ProgressPace& pace) {
  const int64_t percent = pace.steps > 0 ? pace.step * 100 / pace.steps : 0;
  return std::to_string(pace.step) + "/" + std::to_string(pace.steps) + " " + std::to_string(percent) + "%";
}

std::string bar(const ProgressPace& pace) {
  const int64_t share = pace.steps > 0 ? kBarWidth * pace.step / pace.steps : 0;
  const auto full = static_cast<size_t>(std::clamp<int64_t>(share, 0, kBarWidth));
  std::string text(full, '=');
  if (full < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  return "[" + text + "]";
}

std::string details(const ProgressPace& pace, const ProgressValues& values) {
  std::string text = " | loss " + short_number(values.loss, 3);
  if (values.terms.size() > 1) {  // a single term is the loss
    text += " (";
    for (const auto& [name, value] : values.terms) {
      text += (&name == &values.terms.front().first ? "" : " ") + name + " " + short_number(value, 2);
    }
    text += ")";
  }
  text += " | lr " + short_number(values.lr, 2);
  if (values.gradient_norm) text += " | |g| " + short_number(*values.gradient_norm, 2);
  if (values.skipped > 0) text += " | skipped " + std::to_string(values.skipped);
  if (pace.rate > 0) {
    text += " | " + (pace.rate >= 1 ? short_number(pace.rate, 3) + " it/s" : short_number(1 / pace.rate, 3) + " s/it");
  }
  if (values.data_share) text += " | data " + std::to_string(std::lround(*values.data_share * 100)) + "%";
  if (pace.rate > 0 && pace.step < pace.steps) {
    text += " | ETA " + short_duration(static_cast<double>(pace.steps - pace.step) / pace.rate);
  }
  return text;
}

}  // namespace

std::string short_number(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
  std::array<char, 64> text{};
  // the exponent after rounding: .0996 at two digits is .10
  std::snprintf(text.data(), text.size(), "%.*e", digits - 1, value);
  const std::string scientific = text.data();
  const size_t e = scientific.find('e');
  const int exponent = value == 0 ? 0 : std::stoi(scientific.substr(e + 1));
  if (exponent < -2 || exponent > 4) return scientific.substr(0, e) + "e" + std::to_string(exponent);
  std::snprintf(text.data(), text.size(), "%.*f", std::max(0, digits - 1 - exponent), value);
  std::string fixed = text.data();
  const size_t first = value < 0 ? 1 : 0;
  if (fixed.compare(first, 2, "0.") == 0 && value != 0) fixed.erase(first, 1);
  return value == 0 ? "0" : fixed;
}

std::string short_duration(double seconds) {
  constexpr double kMost = 99 * 86400.0;
  if (!(seconds < kMost)) return "99d+";
  const auto whole = static_cast<int64_t>(std::llround(std::max(seconds, 0.0)));
  std::array<char, 32> text{};
  const auto two = [&text](int64_t large, char a, int64_t small, const char* b) {
    std::snprintf(text.data(), text.size(), "%d%c%02d%s", static_cast<int>(large), a, static_cast<int>(small), b);
    return std::string(text.data());
  };
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 3600) return two(whole / 60, 'm', whole % 60, "s");
  if (whole < 86400) return two(whole / 3600, 'h', whole / 60 % 60, "m");
  return two(whole / 86400, 'd', whole / 3600 % 24, "h");
}

std::string progress_line(const ProgressPace& pace, const ProgressValues& values) {
  return "[" + pace.stage + "] " + position(pace) + details(pace, values);
}

std::string progress_bar(const ProgressPace& pace, const ProgressValues& values, int columns) {
  std::string text = "[" + pace.stage + "] " + bar(pace) + " " + position(pace) + details(pace, values);
  if (columns > 0 && text.size() > static_cast<size_t>(columns)) text.resize(static_cast<size_t>(columns));
  return text;
}

}  // namespace ttfm::run
