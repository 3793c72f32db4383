// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/session.h"

#include <ttfm/error.h>

#include "config/sections.h"
#include "run/weights.h"

namespace ttfm::pipeline {
namespace {

/// The network of a teacher that holds one, with the weights at `path`.
std::shared_ptr<train::Network> teacher_network(const Assembly& assembly, const std::filesystem::path& path) {
  std::shared_ptr<train::Network> network = assembly.network("teacher.network", train::Network::Role::copy);
  const run::LoadedWeights loaded = run::load_weights(path, {.stage = "teacher", .ema = true});
  load_weights(*network, loaded.tensors, loaded.file.string());
  return network;
}

}  // namespace

std::unique_ptr<host::Registry> open_registry(const SessionRequest& request) {
  const std::string configured = request.config.empty() ? "" : config::plugin_path(request.config, request.overrides);
  return std::make_unique<host::Registry>(host::search_path(request.plugin_path, configured));
}

Session::Session(const SessionRequest& request)
    : registry_(open_registry(request)), config_(config::load(request.config, request.overrides, *registry_)) {
  const auto run = config::read_section<config::RunSection>(config_.at("run"));
  device_ = choose_device(run.device);
  threads_ = set_threads(static_cast<int>(run.threads));
  assembly_ = std::make_unique<Assembly>(config_, *registry_, device_.device);
}

std::string Session::device_text() const {
  return device_.device.str() + (device_.note.empty() ? "" : " (" + device_.note + ")");
}

SessionRequest session_of_run(const std::filesystem::path& run, SessionRequest request) {
  request.config = run / "config.resolved.toml";
  if (!std::filesystem::exists(request.config)) {
    throw Error(ErrorKind::checkpoint,
                "'" + run.string() + "' is not the folder of a run: it has no config.resolved.toml");
  }
  return request;
}

std::unique_ptr<train::Network> trained_student(const Session& session, const std::filesystem::path& run) {
  const auto eval = config::read_section<config::EvalSection>(session.config().at("eval"));
  auto student = session.assembly().network("student", train::Network::Role::copy);
  const run::LoadedWeights loaded =
      run::load_weights(run / "student", {.stage = "student", .ema = eval.weights == config::Weights::ema});
  load_weights(*student, loaded.tensors, loaded.file.string());
  return student;
}

TeacherModel teacher_of(const Session& session, const std::filesystem::path& run) {
  const Assembly& assembly = session.assembly();
  if (!assembly.teacher_has_network()) return assembly.teacher(nullptr);
  if (session.config().has("teacher.train")) return assembly.teacher(teacher_network(assembly, run / "teacher"));
  const auto teacher = config::read_section<config::TeacherSection>(session.config().at("teacher"));
  if (!teacher.checkpoint) {
    throw Error(ErrorKind::config, "[teacher] type = \"" + session.config().at("teacher").type +
                                       "\" holds a network without weights: give `checkpoint`, or [teacher.train] to "
                                       "train it in this run");
  }
  return assembly.teacher(teacher_network(assembly, teacher.checkpoint->value));
}

}  // namespace ttfm::pipeline
