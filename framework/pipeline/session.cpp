// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/session.h"

#include <ATen/TensorOperators.h>

#include <numeric>

#include <ttfm/error.h>

#include "base/error_codes.h"
#include "base/log.h"
#include "config/located.h"
#include "config/sections.h"
#include "run/weights.h"
#include "train/batches.h"

namespace ttfm::pipeline {
namespace {

/// An exact teacher of other data than the run's is of no use as a reference, and easily configured: both have defaults.
void warn_of_other_data(const Assembly& assembly, const TeacherModel& model) {
  const auto* teacher = static_cast<const Density*>(model.teacher->query(interface_id::kDensity));
  const auto* data = static_cast<const Density*>(assembly.dataset().query(interface_id::kDensity));
  if (!teacher || !data) return;
  constexpr double kRounding = 1e-2;  // of a log density in fp32
  std::vector<int64_t> indices(64);
  std::iota(indices.begin(), indices.end(), 0);
  const Tensor x = train::read_batch(assembly.dataset(), Split::train, indices, /*key=*/0, c10::Device(c10::kCPU)).x_1;
  const Tensor difference = (teacher->log_density(x) - data->log_density(x)).abs().max();
  if (difference.item<double>() < kRounding) return;
  log::warning("the exact teacher of [teacher] is that of other data than [dataset]: give both the same parameters");
}

/// A teacher that holds no network: exact, or with weights of its own.
TeacherModel teacher_without_network(const Session& session) {
  TeacherModel model = bare_teacher(session);
  const auto checkpoint = config::read_section<config::TeacherSection>(session.config().at("teacher")).checkpoint;
  if (checkpoint) {
    const run::LoadedWeights loaded = run::load_weights(checkpoint->value, {.stage = "teacher", .ema = true});
    model.parameters->load(loaded.tensors, loaded.file.string());
  }
  warn_of_other_data(session.assembly(), model);
  return model;
}

/// The network of a teacher that holds one, with the weights at `path`.
std::shared_ptr<train::Network> teacher_network(const Assembly& assembly, const std::filesystem::path& path) {
  std::shared_ptr<train::Network> network = assembly.network("teacher.network", train::Network::Role::frozen);
  const run::LoadedWeights loaded = run::load_weights(path, {.stage = "teacher", .ema = true});
  network->parameters().load(loaded.tensors, loaded.file.string());
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
  device_ = choose_device(run.device, run.deterministic);
  threads_ = set_threads(static_cast<int>(run.threads));
  assembly_ = std::make_unique<Assembly>(config_, *registry_, device_.device);
  // asked for only after hours of training, but refused now
  for (const char* sampler : {"sampler", "teacher.sampler"}) {
    if (config_.has(sampler)) assembly_->sampler(sampler);
  }
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
  auto student = session.assembly().network("student", train::Network::Role::frozen);
  const run::LoadedWeights loaded =
      run::load_weights(run / "student", {.stage = "student", .ema = eval.weights == config::Weights::ema});
  student->parameters().load(loaded.tensors, loaded.file.string());
  return student;
}

TeacherModel bare_teacher(const Session& session) {
  TeacherModel model = session.assembly().teacher(nullptr);
  const config::Section& section = session.config().at("teacher");
  const bool given = config::read_section<config::TeacherSection>(section).checkpoint.has_value();
  const bool has_weights = model.parameters->count() > 0;
  if (given == has_weights) return model;
  throw config::error_at(section, "checkpoint", kContradiction,
                         "`type` = \"" + section.type + "\" in [teacher] has " +
                             (has_weights ? "weights of its own, and there is no `checkpoint`"
                                          : "no weights, and cannot use a `checkpoint`"),
                         has_weights ? "add `checkpoint`: a .safetensors file or the folder of a run" : "remove it");
}

TeacherModel teacher_of(const Session& session, const std::filesystem::path& run) {
  const Assembly& assembly = session.assembly();
  if (!assembly.teacher_has_network()) return teacher_without_network(session);
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
