// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pipeline/session.h"
#include "run/run_folder.h"

namespace ttfm::pipeline {

struct RunOptions {
  SessionRequest session;
  run::Resume resume = run::Resume::never;
  bool allow_config_change = false;  ///< of a run that goes on: what would make two runs of one
  std::vector<std::string> argv;
};

/// A whole run: teacher (where [teacher.train] is given), student (where [student] is), evaluation. Returns the folder.
/// Does not return after a signal: its state is saved, and the process ends as the signal would have ended it.
std::filesystem::path run(const RunOptions& options);

/// Makes everything that a run needs and takes one step of each stage, writing nothing. Returns what it found: stages,
/// weights, memory, size of the checkpoints.
std::string dry_run(const SessionRequest& request);

struct Replay {
  std::string text;    ///< what the step gave then and gives now
  bool equal = false;  ///< the same, bit for bit
};

/// Computes the step of a failure file again; the file lies in the folder of its run. The request's configuration is
/// that of the run. Throws ttfm::Error.
Replay replay(const std::filesystem::path& file, SessionRequest request);

}  // namespace ttfm::pipeline
