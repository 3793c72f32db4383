// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/sections.h"
#include "pipeline/session.h"
#include "train/trainer.h"

namespace ttfm::pipeline {

/// What a stage trains, and how.
struct Stage {
  std::string name;             ///< "teacher", "student"
  std::string network_section;  ///< "teacher.network", "student"
  std::string loss_section;
  config::TrainSection options;
  std::shared_ptr<train::Network> network;
  host::Owned<Loss> loss;
  std::unique_ptr<train::Trainer> trainer;  ///< once make_trainer() has made it
};

/// The stages of a configuration, in their order: "teacher" where [teacher.train] is given, "student" where [student] is.
std::vector<std::string> planned_stages(const config::Resolved& config);

/// A stage without its trainer.
Stage make_stage(const Session& session, const std::string& name);

/// `teacher` is null where there is none.
void make_trainer(const Session& session, Stage& stage, const TeacherModel* teacher);

/// Where the student's weights start, beside chance: its own checkpoint, or the teacher's network.
void start_student(const Session& session, Stage& stage, const TeacherModel* teacher);

/// The stage's network, frozen, with the evaluated weights: the average, or the weights themselves.
std::shared_ptr<train::Network> finished_network(const Session& session, const Stage& stage, bool average);

/// Bytes of one checkpoint of a stage whose network has that many weights, but for the loss's own and what is no tensor.
int64_t checkpoint_bytes(const config::TrainSection& options, const LossNeeds& needs, int64_t weights);

}  // namespace ttfm::pipeline
