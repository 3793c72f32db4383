// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include <ttfm/error.h>

#include "base/atomic_file.h"

namespace ttfm::eval {
namespace {

using Json = nlohmann::ordered_json;
using Cells = std::vector<std::string>;

constexpr size_t kTextColumns = 3;  // model, sampler, weights: aligned to the left
constexpr int kFormat = 1;          // of results.json

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json number(const std::optional<double>& value) { return value ? number(*value) : Json(nullptr); }

std::string short_number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

std::string cell(const std::optional<double>& value) { return value ? short_number(*value) : "-"; }
std::string cell(const std::string& text) { return text.empty() ? "-" : text; }

/// The shortest text that reads back as the same number.
std::string exact(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return "";
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), *value).ptr};
}

Cells header(const Results& results) {
  Cells cells = {"model", "sampler", "weights", "evaluations"};
  cells.insert(cells.end(), results.metrics.begin(), results.metrics.end());
  cells.emplace_back("seconds");
  return cells;
}

std::string aligned(const std::vector<Cells>& lines) {
  std::vector<size_t> widths(lines.front().size(), 0);
  for (const Cells& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Cells& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string space(widths[i] - line[i].size(), ' ');
      if (i > 0) text += "  ";
      text += i < kTextColumns ? line[i] + space : space + line[i];
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::optional<double> value_in(const Results& results, const Row& row, const std::string& metric) {
  const auto found = std::find(results.metrics.begin(), results.metrics.end(), metric);
  if (found == results.metrics.end()) {
    throw Error(ErrorKind::internal, "the results have no metric '" + metric + "'");
  }
  return row.values.at(static_cast<size_t>(found - results.metrics.begin()));
}

std::string to_table(const Results& results) {
  std::vector<Cells> lines = {header(results)};
  for (const Row& row : results.rows) {
    Cells cells = {row.model, cell(row.sampler), cell(row.weights),
                   row.evaluations > 0 ? std::to_string(row.evaluations) : "-"};
    for (const auto& value : row.values) cells.push_back(cell(value));
    cells.push_back(cell(row.seconds));
    lines.push_back(cells);
  }
  std::string text = aligned(lines);
  text += std::to_string(results.samples) + " samples, " + std::to_string(results.held_out) + " held-out\n";
  if (results.reference) {
    const ReferenceRecord& record = *results.reference;
    text += "reference: " + record.solver + ", tolerance " + short_number(record.absolute_tolerance) +
            " absolute and " + short_number(record.relative_tolerance) + " relative, " +
            std::to_string(record.evaluations) + " evaluations, own error about " + short_number(record.error) + "\n";
  }
  for (const auto& [name, value] : results.measures) text += name + ": " + short_number(value) + "\n";
  for (const std::string& note : results.notes) text += "note: " + note + "\n";
  return text;
}

std::string to_json(const Results& results) {
  Json json;
  json["format"] = kFormat;
  json["samples"] = results.samples;
  json["held_out"] = results.held_out;
  json["reference"] = nullptr;
  if (results.reference) {
    json["reference"] = {{"solver", results.reference->solver},
                         {"absolute_tolerance", number(results.reference->absolute_tolerance)},
                         {"relative_tolerance", number(results.reference->relative_tolerance)},
                         {"evaluations", results.reference->evaluations},
                         {"error", number(results.reference->error)}};
  }
  json["rows"] = Json::array();
  for (const Row& row : results.rows) {
    Json entry = {{"model", row.model},
                  {"sampler", row.sampler},
                  {"weights", row.weights},
                  {"evaluations", row.evaluations},
                  {"seconds", number(row.seconds)},
                  {"metrics", Json::object()}};
    Json nonfinite = Json::array();
    for (size_t i = 0; i < results.metrics.size(); ++i) {
      entry["metrics"][results.metrics[i]] = number(row.values[i]);
      if (row.values[i] && !std::isfinite(*row.values[i])) nonfinite.push_back(results.metrics[i]);
    }
    if (!nonfinite.empty()) entry["nonfinite"] = nonfinite;
    json["rows"].push_back(entry);
  }
  json["measures"] = Json::object();
  for (const auto& [name, value] : results.measures) json["measures"][name] = number(value);
  json["notes"] = results.notes;
  return json.dump(2) + "\n";
}

std::string to_csv(const Results& results) {
  const auto line = [](const Cells& cells) {
    std::string text = cells.front();
    for (size_t i = 1; i < cells.size(); ++i) text += "," + cells[i];
    return text + "\n";
  };
  std::string text = line(header(results));
  for (const Row& row : results.rows) {
    Cells cells = {row.model, row.sampler, row.weights, std::to_string(row.evaluations)};
    for (const auto& value : row.values) cells.push_back(exact(value));
    cells.push_back(exact(row.seconds));
    text += line(cells);
  }
  return text;
}

void write_results(const Results& results, const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(ErrorKind::io, "cannot make the folder '" + folder.string() + "': " + error.message());
  write_file_atomically(folder / "results.json", to_json(results));
  write_file_atomically(folder / "results.csv", to_csv(results));
}

}  // namespace ttfm::eval
