// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/environment.h"

namespace ttfm::run {

/// --resume: what to do with a run's folder that exists.
enum class Resume {
  never,      ///< refuse it
  automatic,  ///< go on with it; start it if it is not there
  must,       ///< go on with it; an error if it is not there
};

/// What a run's folder is made from.
struct RunRequest {
  std::filesystem::path parent = "runs";
  std::optional<std::string> name;  ///< [run] name; without it each run gets a new folder, named by time and file
  std::filesystem::path config;     ///< the configuration's file as the user named it
  Resume resume = Resume::never;
  std::vector<std::string> argv;  ///< the command line, to say how to resume
};

/// What status.json holds.
struct Status {
  enum class State { running, done, stopped, failed };
  State state = State::running;
  std::string stage;
  int64_t step = 0;
  int64_t steps = 0;
  int exit_code = 0;   ///< once the run is not running
  std::string reason;  ///< why it stopped or failed: one line
};

/// The folder of a run, and the right to write there. docs/reference/run_folder.md describes its files.
///
/// Errors are ttfm::Error: config for a name that is none or a folder that is taken or in use, checkpoint for a run that
/// cannot be resumed, io for the file system.
class RunFolder {
 public:
  /// Makes the folder, or opens it to go on; locks it; adds its log.txt to the log.
  explicit RunFolder(const RunRequest& request);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  bool resumed() const { return resumed_; }

  std::filesystem::path checkpoints(std::string_view stage) const { return path_ / stage / "checkpoints"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path timing() const { return path_ / "timing.jsonl"; }
  std::filesystem::path failure(std::string_view stage, int64_t step) const;
  std::filesystem::path samples(std::string_view stage) const { return path_ / "samples" / stage; }
  std::filesystem::path evaluation() const { return path_ / "eval"; }

  /// config.toml, the user's bytes, and config.resolved.toml. A resumed run keeps what it began with: where the bytes
  /// differ from the last ones, the new ones go to config.2.toml and so on.
  void write_config(std::string_view source, std::string_view resolved) const;

  /// inputs.json, checksums by name, by the same rule.
  void write_inputs(const std::map<std::string, std::string>& checksums) const;

  /// env.json, that of the first start, and a line of history.jsonl for each start.
  void write_environment(const Environment& environment) const;

  /// The environment of the last start, from history.jsonl; "" where there is none.
  std::string last_environment() const;

  /// The last file of such a name: latest("config.resolved", ".toml") may be config.resolved.3.toml.
  std::optional<std::filesystem::path> latest(std::string_view stem, std::string_view extension) const;

  /// status.json, in place of the last one.
  void write_status(const Status& status);

  /// status.json for the end, at the stage and step where the run last stood.
  void end(Status::State state, int exit_code, const std::string& reason);

  /// The command that goes on with this run.
  const std::string& resume_command() const { return resume_command_; }

 private:
  void create(const RunRequest& request);
  void lock();
  void keep(std::string_view stem, std::string_view extension, std::string_view bytes) const;

  std::filesystem::path path_;
  std::string resume_command_;
  Status status_;
  bool resumed_ = false;
  int lock_ = -1;
};

}  // namespace ttfm::run
