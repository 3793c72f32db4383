// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {

/// A small run whose files and calls go wrong as a test asks for it: see injection.c and sick_plugin.cpp.
class FaultyRun : public testing::Test {
 protected:
  using Environment = std::map<std::string, std::string>;

  conformance::TemporaryFolder folder;
  std::filesystem::path runs = folder.path() / "runs", run = runs / "run";

  void SetUp() override { write_file(folder.path() / "small.toml", small_config()); }

  /// `ttfm run small.toml` with these arguments; `faults` are the variables of injection.c without "TTFM_FAULT_".
  Outcome start(std::vector<std::string> arguments = {}, const Environment& faults = {}) {
    arguments.insert(arguments.begin(), {"run", "small.toml"});
    return ttfm(std::move(arguments), faults);
  }
  Outcome ttfm(std::vector<std::string> arguments, const Environment& faults = {}) {
    arguments.insert(arguments.begin() + 1, {"--plugin-path", TTFM_SICK_PLUGINS});
    Environment environment{{"LD_PRELOAD", TTFM_INJECTION},
                            {"ASAN_OPTIONS", "verify_asan_link_order=0"},
                            {"TTFM_FAULT_UNDER", runs.string()}};
    for (const auto& [name, value] : faults) environment["TTFM_FAULT_" + name] = value;
    return test::ttfm(folder.path(), arguments, environment);
  }

  nlohmann::json status() const { return nlohmann::json::parse(read_file(run / "status.json")); }

  std::vector<std::string> checkpoints(const std::string& stage = "student") const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(run / stage / "checkpoints")) return names;
    for (const auto& entry : std::filesystem::directory_iterator(run / stage / "checkpoints")) {
      if (entry.is_directory()) names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  /// Weights, averages, copies, moments of the last checkpoints, and the metrics: what must not depend on faults.
  Environment results() const {
    Environment files{{"metrics", read_file(run / "metrics.jsonl")}};
    for (const auto& entry : std::filesystem::recursive_directory_iterator(run)) {
      if (entry.path().extension() != ".safetensors") continue;
      files[std::filesystem::relative(entry.path(), run).string()] = read_file(entry.path());
    }
    return files;
  }

  /// Files and folders that are not complete.
  int stray() const {
    int count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(runs)) {
      count += entry.path().filename().string().find(".tmp-") != std::string::npos ? 1 : 0;
    }
    return count;
  }
};

}  // namespace ttfm::test
