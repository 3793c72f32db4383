// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "pipeline/session.h"
#include "run/run_folder.h"

namespace ttfm::pipeline {

/// Checksums of what a run works on but does not keep: "data", a selection of the training samples, and "teacher", the
/// weights of a teacher that is not trained in the run; null where there is none.
std::map<std::string, std::string> input_checksums(const Session& session, const TeacherModel* teacher);

/// Compares what a run is to go on with to what it began with. Returns what differs, a line each, for the run's record.
/// Throws ttfm::Error (config) for a difference that would make two runs of one, unless `allow`.
///
/// Steps, intervals, log, checkpoints, evaluation and paths may differ: none of them changes a step that is done.
std::vector<std::string> check_resume(const Session& session, const std::map<std::string, std::string>& inputs,
                                      const run::RunFolder& folder, bool allow);

}  // namespace ttfm::pipeline
