// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ttfm::eval {

/// A line of the table: one model, asked with one number of evaluations.
struct Row {
  std::string model;                          ///< "student", "teacher", or "floor": two sets of true samples
  std::string sampler;                        ///< empty for the floor
  std::string weights;                        ///< "ema", "raw"; empty where there is no choice
  int64_t evaluations = 0;                    ///< network evaluations for one sample, counted; 0 for the floor
  std::optional<double> seconds;              ///< wall time of drawing the samples
  std::vector<std::optional<double>> values;  ///< one for each of Results::metrics; empty: not measured
};

/// How the reference endpoint was computed.
struct ReferenceRecord {
  std::string solver;
  double absolute_tolerance = 0;
  double relative_tolerance = 0;
  int64_t evaluations = 0;
  double error = 0;  ///< its own RMSE, estimated
};

/// What one evaluation found.
struct Results {
  int64_t samples = 0;   ///< drawn from each model
  int64_t held_out = 0;  ///< true samples they were compared with
  std::optional<ReferenceRecord> reference;
  std::vector<std::string> metrics;  ///< names of the columns
  std::vector<Row> rows;
  std::vector<std::pair<std::string, double>> measures;  ///< of the student as a whole
  std::vector<std::string> notes;                        ///< what was left out, and why
};

/// The value of a metric in a row, if it was measured. An unknown name throws ttfm::Error (internal).
std::optional<double> value_in(const Results& results, const Row& row, const std::string& metric);

/// Aligned plain text for the console, with a final newline. "-" stands for what was not measured.
std::string to_table(const Results& results);

/// Numbers that are not finite become null and are listed in the row's "nonfinite"; so do those not measured, unlisted.
std::string to_json(const Results& results);

/// One line for each row; cells not measured or not finite are empty.
std::string to_csv(const Results& results);

/// Writes results.json and results.csv into the folder, which it makes. Throws ttfm::Error (io).
void write_results(const Results& results, const std::filesystem::path& folder);

}  // namespace ttfm::eval
