// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "run/checkpoint.h"

namespace ttfm::run {

/// A small checkpoint of every group, whose numbers follow from its step.
inline Checkpoint sample_checkpoint(int64_t step, const std::string& stage = "student") {
  const double value = static_cast<double>(step);
  Checkpoint checkpoint;
  checkpoint.state = {stage, step, 64 * step, 0.5 * value, {{"skipped", 3}}, {}, {{"ttfm", "0.1.0"}}};
  checkpoint.groups = {
      {"model", {{"in.weight", at::full({3, 2}, value)}, {"in.bias", at::arange(3).to(at::kFloat)}}},
      {"ema", {{"in.weight", at::full({3, 2}, value + 0.5)}, {"in.bias", at::arange(3).to(at::kFloat)}}},
      {"copy-0", {{"values", at::full({8}, value)}}},
      {"loss", {{"lambda", at::full({}, 0.25)}}},
      {"optimizer", {{"first", at::full({9}, value)}, {"steps", at::full({1}, step, at::kLong)}}},
  };
  return checkpoint;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

}  // namespace ttfm::run
