// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/stages.h"

#include <ttfm/error.h>

#include "run/weights.h"

namespace ttfm::pipeline {

using train::Network;

std::vector<std::string> planned_stages(const config::Resolved& config) {
  std::vector<std::string> stages;
  if (config.has("teacher.train")) stages.push_back("teacher");
  if (config.has("student")) stages.push_back("student");
  return stages;
}

Stage make_stage(const Session& session, const std::string& name) {
  const bool teacher = name == "teacher";
  Stage stage;
  stage.name = name;
  stage.network_section = teacher ? "teacher.network" : "student";
  stage.loss_section = teacher ? "teacher.loss" : "loss";
  stage.options = config::read_section<config::TrainSection>(session.config().at(teacher ? "teacher.train" : "train"));
  stage.network = session.assembly().network(stage.network_section, Network::Role::trained);
  stage.loss = session.assembly().loss(stage.loss_section);
  return stage;
}

void make_trainer(const Session& session, Stage& stage, const TeacherModel* teacher) {
  const Assembly& assembly = session.assembly();
  stage.trainer = std::make_unique<train::Trainer>(
      train::TrainerInputs{.stage = stage.name,
                           .seed = assembly.seed(),
                           .options = stage.options,
                           .device = session.device(),
                           .dataset = assembly.dataset(),
                           .loss = *stage.loss,
                           .student = *stage.network,
                           .teacher = teacher ? teacher->field.get() : nullptr,
                           .teacher_network = teacher ? teacher->network.get() : nullptr,
                           .make_copy = [&assembly, section = stage.network_section] {
                             return assembly.network(section, Network::Role::copy);
                           }});
}

void start_student(const Session& session, Stage& stage, const TeacherModel* teacher) {
  const auto student = config::read_section<config::StudentSection>(session.config().at("student"));
  if (student.checkpoint) {
    const run::LoadedWeights loaded = run::load_weights(student.checkpoint->value, {.stage = "student", .ema = true});
    stage.network->parameters().load(loaded.tensors, loaded.file.string());
  } else if (student.init == config::Init::teacher) {
    if (!teacher || !teacher->network) {
      throw Error(ErrorKind::config, "[student] init = \"teacher\" needs a teacher that holds a network");
    }
    stage.network->parameters().load(teacher->network->parameters().named(), "the teacher's network");
  }
}

std::shared_ptr<Network> finished_network(const Session& session, const Stage& stage, bool average) {
  std::shared_ptr<Network> network = session.assembly().network(stage.network_section, Network::Role::frozen);
  const train::FlatParameters& trained = stage.network->parameters();
  network->parameters().load(average ? trained.named_in(stage.trainer->average()) : trained.named(),
                             "stage " + stage.name);
  return network;
}

int64_t checkpoint_bytes(const config::TrainSection& options, const LossNeeds& needs, int64_t weights) {
  const int64_t average = options.ema_decay > 0 ? 1 : 0, moments = 2;
  return (1 + average + moments + needs.copies) * weights * static_cast<int64_t>(sizeof(float));
}

}  // namespace ttfm::pipeline
