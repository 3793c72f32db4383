// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace ttfm::run {

/// What env.json records beside the machine itself: enough to say later what exactly was run.
struct Environment {
  struct Plugin {
    std::string name;     ///< "loss_itvm"
    std::string version;  ///< as it describes itself
    std::filesystem::path path;
  };

  std::map<std::string, std::string> versions;  ///< ttfm, libtorch, ...
  std::vector<std::string> argv;
  std::string device;  ///< the one that is used: "cpu", "cuda:0"
  int64_t threads = 0;
  std::string instruction_set;  ///< of ttfm's own loops: "plain", "avx2", "avx512", "avx512_bf16", "amx"
  int64_t seed = 0;
  std::vector<Plugin> plugins;       ///< those that the run loaded
  std::vector<std::string> changes;  ///< of a resumed run: what it did not begin with
};

/// env.json's text; adds the host's name, processor, cores and system, the time, the process and the working directory,
/// and each plugin's SHA-256.
std::string environment_json(const Environment& environment);

/// In what the program and the machine differ from `before`, a text of environment_json(), as far as results depend on
/// it: "threads: 2, before 1". A text that is none differs in nothing.
std::vector<std::string> differences(const std::string& before, const Environment& now);

/// SHA-256 of a file in hexadecimal digits. Throws ttfm::Error (io). A cryptographic sum, because it may stand for the
/// plugin in a later comparison; checkpoints, which are only guarded against damage, use the faster XXH3.
std::string sha256_of_file(const std::filesystem::path& path);

/// The time now, as strftime() formats it.
std::string local_time(const char* format);

}  // namespace ttfm::run
