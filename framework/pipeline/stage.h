// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <functional>
#include <string>

#include "base/append_file.h"
#include "config/sections.h"
#include "pipeline/stages.h"
#include "run/progress.h"
#include "run/run_folder.h"

namespace ttfm::pipeline {

/// Where a stage of training leaves its traces.
struct StageOutputs {
  run::RunFolder& folder;
  AppendFile& metrics;
  AppendFile& timing;
  run::Progress& progress;
  config::LogSection log;
  config::CheckpointSection checkpoint;
  std::string config;                        ///< the file in the run's folder that holds the configuration
  uint64_t seed = 0;                         ///< of the run
  std::function<std::string()> look;         ///< called with each checkpoint: what to warn of, or "". May be empty
  std::optional<run::CheckpointState> from;  ///< what the stage goes on from
};

/// A run was asked to stop by a signal; its state is saved.
struct Stopped {};

/// Trains to the end of the stage: log lines, checkpoints, status. Throws ttfm::Error: numeric where the training has to
/// stop for a number that is not finite, whose step is left in a failure file; device where memory ran out, with what
/// needs less. Throws Stopped after a signal. Whatever ends the stage early, the state before it is saved if it is sound.
void train_stage(const Stage& stage, const StageOutputs& outputs);

}  // namespace ttfm::pipeline
