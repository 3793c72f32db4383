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
  std::vector<std::string> argv;
};

/// A whole run: teacher (where [teacher.train] is given), student (where [student] is), evaluation. Returns the folder.
/// Does not return after a signal: its state is saved, and the process ends as the signal would have ended it.
std::filesystem::path run(const RunOptions& options);

/// Makes everything that a run needs and takes one step of each stage, writing nothing. Returns what it found: stages,
/// weights, memory, size of the checkpoints.
std::string dry_run(const SessionRequest& request);

}  // namespace ttfm::pipeline
