// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/metrics_log.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <ttfm/error.h>

#include "base/atomic_file.h"
#include "base/log.h"
#include "base/read_file.h"
#include "run/json_count.h"

namespace ttfm::run {
namespace {

/// A whole record, or not one.
enum class Line { keep, later, broken };

Line judge(std::string_view line, const ResumePoint& point) {
  const nlohmann::json json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("stage") || !json["stage"].is_string() || !json.contains("step") ||
      !is_count(json["step"])) {
    return Line::broken;
  }
  const auto stage = json["stage"].get<std::string>();
  if (stage == point.stage) return json["step"].get<int64_t>() <= point.step ? Line::keep : Line::later;
  const auto& earlier = point.earlier_stages;
  return std::find(earlier.begin(), earlier.end(), stage) != earlier.end() ? Line::keep : Line::later;
}

}  // namespace

std::string metrics_line(const MetricsRecord& record) {
  nlohmann::ordered_json json{{"stage", record.stage}, {"step", record.step}};
  std::vector<std::string> nonfinite;
  for (const auto& [key, value] : record.values) {
    const auto* number = std::get_if<double>(&value);
    if (number && !std::isfinite(*number)) {
      json[key] = nullptr;
      nonfinite.push_back(key);
    } else {
      std::visit([&json, &key = key](const auto& held) { json[key] = held; }, value);
    }
  }
  if (!nonfinite.empty()) json["nonfinite"] = nonfinite;
  return json.dump();
}

void rewind_metrics(const std::filesystem::path& path, const ResumePoint& point) {
  std::string text;
  try {
    text = read_file(path, limits::kMetricsBytes);
  } catch (const UnreadableFile& unreadable) {
    if (unreadable.error == ENOENT) return;
    throw Error(ErrorKind::io, "cannot read '" + path.string() + "': " + unreadable.what());
  }
  std::string kept;
  bool changed = false;
  std::string_view rest = text;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const size_t end = rest.find('\n');
    const bool whole = end != std::string_view::npos;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(whole ? end + 1 : rest.size());
    const Line verdict = whole ? judge(line, point) : Line::broken;
    if (verdict == Line::broken && whole) {
      log::warning("line " + std::to_string(number) + " of '" + path.string() + "' is no record and is dropped");
    }
    if (verdict == Line::keep) {
      kept.append(line).push_back('\n');
    } else {
      changed = true;
    }
  }
  if (changed) write_file_atomically(path, kept);
}

}  // namespace ttfm::run
