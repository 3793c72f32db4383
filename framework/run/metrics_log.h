// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace ttfm::run {

/// One line of metrics.jsonl or timing.jsonl.
struct MetricsRecord {
  using Value = std::variant<int64_t, double, std::string>;

  std::string stage;
  int64_t step = 0;
  std::vector<std::pair<std::string, Value>> values;  ///< in this order after stage and step
};

/// {"stage":"student","step":50,"loss":0.25,...}. JSON has no word for numbers that are not finite: they become null
/// and are named in "nonfinite":["loss"].
std::string metrics_line(const MetricsRecord& record);

/// Where a resumed run goes on.
struct ResumePoint {
  std::vector<std::string> earlier_stages;  ///< complete ones
  std::string stage;
  int64_t step = 0;  ///< the checkpoint's
};

/// Removes from such a file what the resumed run will write again, everything beyond `point`, and a half line that a
/// killed process left at the end. Lines elsewhere that are no records are dropped with a warning. A file that is not
/// there is fine.
void rewind_metrics(const std::filesystem::path& path, const ResumePoint& point);

}  // namespace ttfm::run
