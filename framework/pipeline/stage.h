// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include "config/sections.h"
#include "run/metrics_log.h"
#include "run/progress.h"
#include "run/run_folder.h"
#include "train/trainer.h"

namespace ttfm::pipeline {

/// Where a stage of training leaves its traces.
struct StageOutputs {
  run::RunFolder& folder;
  run::MetricsLog& metrics;
  run::Progress& progress;
  config::LogSection log;
  config::CheckpointSection checkpoint;
  double earlier_seconds = 0;  ///< spent on the stage before a resume
};

/// A run was asked to stop by a signal; its state is saved.
struct Stopped {};

/// Trains to the end of the stage: log lines, checkpoints, status. Throws ttfm::Error (numeric) when a loss or gradient
/// was not finite, and Stopped after a signal.
void train_stage(const std::string& stage, train::Trainer& trainer, int64_t steps, int64_t batch,
                 const StageOutputs& outputs);

}  // namespace ttfm::pipeline
