// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ttfm::test {

/// What the program did.
struct Outcome {
  int code = -1;  ///< exit code; 128 + signal where a signal ended it
  std::string out, err;
};

/// Runs `ttfm` with these arguments in `folder`, with one thread and these additions to the environment.
Outcome ttfm(const std::filesystem::path& folder, std::vector<std::string> arguments,
             const std::map<std::string, std::string>& environment = {});

/// The same for any program, by its name or path.
Outcome start(const std::filesystem::path& folder, std::vector<std::string> words,
              const std::map<std::string, std::string>& environment = {});

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& bytes);

/// A run of a few steps on the mixture of Gaussians, named "run" in the folder "runs".
std::string small_config();

}  // namespace ttfm::test
