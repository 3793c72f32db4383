// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/run.h"

#include <sys/resource.h>

#include <optional>
#include <sstream>

#include <ttfm/error.h>

#include "base/log.h"
#include "base/version.h"
#include "config/sections.h"
#include "pipeline/evaluation.h"
#include "pipeline/stage.h"
#include "run/checkpoint.h"
#include "run/exit_code.h"
#include "run/signals.h"
#include "run/weights.h"

namespace ttfm::pipeline {
namespace {

using train::Network;

/// What a stage trains, and how.
struct Stage {
  std::string name;             ///< "teacher", "student"
  std::string network_section;  ///< "teacher.network", "student"
  std::string loss_section;
  config::TrainSection options;
  std::shared_ptr<Network> network;
  host::Owned<Loss> loss;
  std::unique_ptr<train::Trainer> trainer;
};

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

void make_trainer(const Session& session, Stage& stage, const Field* teacher) {
  const Assembly& assembly = session.assembly();
  stage.trainer =
      std::make_unique<train::Trainer>(train::TrainerInputs{.stage = stage.name,
                                                            .seed = assembly.seed(),
                                                            .options = stage.options,
                                                            .device = session.device(),
                                                            .dataset = assembly.dataset(),
                                                            .loss = *stage.loss,
                                                            .student = *stage.network,
                                                            .teacher = teacher,
                                                            .make_copy = [&assembly, section = stage.network_section] {
                                                              return assembly.network(section, Network::Role::copy);
                                                            }});
}

/// Where the student's weights start, beside chance: its own checkpoint, or the teacher's network.
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

/// The network, frozen, with the evaluated weights: the average, or the weights themselves.
std::shared_ptr<Network> finished_network(const Session& session, const Stage& stage, bool average) {
  std::shared_ptr<Network> network = session.assembly().network(stage.network_section, Network::Role::frozen);
  const train::FlatParameters& trained = stage.network->parameters();
  network->parameters().load(average ? trained.named_in(stage.trainer->average()) : trained.named(),
                             "stage " + stage.name);
  return network;
}

run::Environment environment_of(const Session& session, const std::vector<std::string>& argv) {
  run::Environment environment;
  environment.versions = {{"ttfm", TTFM_VERSION}, {"libtorch", torch_version()}};
  environment.argv = argv;
  environment.device = session.device().str();
  environment.threads = session.threads();
  environment.seed = static_cast<int64_t>(session.assembly().seed());
  for (const host::ComponentInfo& info : session.registry().components()) {
    if (info.state != host::ComponentInfo::State::open) continue;
    environment.plugins.push_back({info.plugin, info.version, info.path});
  }
  return environment;
}

/// A run on its way through its stages.
class Pipeline {
 public:
  Pipeline(const Session& session, run::RunFolder& folder)
      : session_(session),
        folder_(folder),
        log_(config::read_section<config::LogSection>(session.config().at("log"))),
        checkpoint_(config::read_section<config::CheckpointSection>(session.config().at("checkpoint"))),
        progress_(run::Progress::standard(log_.seconds)) {}

  eval::Results run() {
    const config::Resolved& config = session_.config();
    std::optional<TeacherModel> teacher;
    if (config.has("teacher.train"))
      teacher = session_.assembly().teacher(train("teacher", nullptr));
    else if (config.has("teacher"))
      teacher = teacher_of(session_, folder_.path());

    std::shared_ptr<Network> student;
    if (config.has("student")) student = train("student", teacher ? &*teacher : nullptr);

    folder_.write_status(
        {.state = run::Status::State::running, .stage = "evaluation", .step = 0, .steps = 0, .reason = ""});
    log::info("evaluation");
    const TeacherModel* evaluated = teacher ? &*teacher : nullptr;
    return evaluate_models(session_.assembly(), {student.get(), evaluated}, folder_.path());
  }

 private:
  std::shared_ptr<Network> train(const std::string& name, const TeacherModel* teacher) {
    Stage stage = make_stage(session_, name);
    const run::Checkpoints checkpoints(folder_.checkpoints(name));
    const auto newest = folder_.resumed() ? checkpoints.newest_folder() : std::nullopt;
    if (name == "student" && !newest) start_student(session_, stage, teacher);
    make_trainer(session_, stage, teacher ? teacher->field.get() : nullptr);
    double earlier_seconds = 0;
    if (newest) {
      const run::Checkpoint checkpoint = run::read_checkpoint(*newest);
      stage.trainer->load(checkpoint.groups, checkpoint.state.step, newest->string());
      earlier_seconds = checkpoint.state.seconds;
      log::info("stage '" + name + "' goes on after step " + std::to_string(checkpoint.state.step));
    }
    // a finished stage writes nothing again: the lines after it are of stages that come later
    if (folder_.resumed() && !stage.trainer->finished()) {
      run::rewind_metrics(folder_.metrics(), {earlier_, name, stage.trainer->steps_done()});
    }
    run::MetricsLog metrics(folder_.metrics());
    log::info("stage '" + name + "': " + session_.config().at(stage.network_section).type + " with " +
              std::to_string(stage.network->parameters().count()) + " weights, loss " +
              session_.config().at(stage.loss_section).type + ", " + std::to_string(stage.options.steps) +
              " steps of " + std::to_string(stage.options.batch));
    train_stage(name, *stage.trainer, stage.options.steps, stage.options.batch,
                {folder_, metrics, progress_, log_, checkpoint_, earlier_seconds});
    earlier_.push_back(name);
    const auto eval = config::read_section<config::EvalSection>(session_.config().at("eval"));
    return finished_network(session_, stage, name == "teacher" || eval.weights == config::Weights::ema);
  }

  const Session& session_;
  run::RunFolder& folder_;
  config::LogSection log_;
  config::CheckpointSection checkpoint_;
  run::Progress progress_;
  std::vector<std::string> earlier_;
};

/// Ends a run that failed; if that fails too, as on a full disk, the first reason is the one that is reported.
void end_failed(run::RunFolder& folder, int exit_code, const std::string& reason) {
  try {
    folder.end(run::Status::State::failed, exit_code, reason);
  } catch (const std::exception& second) {
    log::warning(second.what());
  }
}

}  // namespace

std::filesystem::path run(const RunOptions& options) {
  const Session session(options.session);
  const auto section = config::read_section<config::RunSection>(session.config().at("run"));
  run::RunFolder folder({.parent = section.folder.value,
                         .name = section.name,
                         .config = options.session.config,
                         .resume = options.resume,
                         .argv = options.argv});
  folder.write_config(session.config().source, config::print(session.config()));
  folder.write_environment(environment_of(session, options.argv));
  log::info("run folder " + folder.path().string() + ", device " + session.device_text() + ", " +
            std::to_string(session.threads()) + (session.threads() == 1 ? " thread" : " threads"));

  const run::StopSignals signals;
  try {
    const eval::Results results = Pipeline(session, folder).run();
    std::fputs(eval::to_table(results).c_str(), stdout);
    folder.end(run::Status::State::done, 0, "");
  } catch (const Stopped&) {
    folder.end(run::Status::State::stopped, run::StopSignals::exit_code(), "stopped by a signal");
    log::info("stopped; to go on: " + folder.resume_command());
    run::StopSignals::leave();
  } catch (const std::exception& exception) {
    end_failed(folder, run::exit_code(exception), exception.what());
    throw;
  } catch (...) {
    const Error error(ErrorKind::plugin, "a plugin threw something that is no std::exception");
    end_failed(folder, run::exit_code(error), error.what());
    throw error;
  }
  return folder.path();
}

std::string dry_run(const SessionRequest& request) {
  const Session session(request);
  const config::Resolved& config = session.config();
  const auto checkpoint = config::read_section<config::CheckpointSection>(config.at("checkpoint"));
  std::ostringstream report;
  report << "device      " << session.device().str() << ", " << session.threads() << " threads\n";
  report << "data set    " << config.at("dataset").type << ", samples of "
         << at::IntArrayRef(session.assembly().data_shape()) << ", classes: " << session.assembly().data().classes
         << '\n';

  std::optional<TeacherModel> teacher;
  std::shared_ptr<Network> trained;
  for (const std::string& name : planned_stages(config)) {
    Stage stage = make_stage(session, name);
    if (name == "student") {
      if (trained)
        teacher = session.assembly().teacher(trained);
      else if (config.has("teacher"))
        teacher = teacher_of(session, {});
      start_student(session, stage, teacher ? &*teacher : nullptr);
    }
    make_trainer(session, stage, teacher ? teacher->field.get() : nullptr);
    stage.trainer->step();
    const train::Metrics metrics = stage.trainer->metrics();
    int64_t bytes = 0;
    for (const auto& group : stage.trainer->state()) {
      for (const auto& each : group.tensors) bytes += static_cast<int64_t>(each.value.nbytes());
    }
    report << "stage       " << name << ": " << config.at(stage.network_section).type << ", "
           << stage.network->parameters().count() << " weights, loss " << config.at(stage.loss_section).type << " = "
           << metrics.loss << " after one step, " << stage.options.steps << " steps of " << stage.options.batch << '\n'
           << "checkpoints " << bytes / 1e6 << " MB each, " << checkpoint.keep_last << " kept\n";
    if (name == "teacher") trained = finished_network(session, stage, true);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  report << "memory      " << static_cast<double>(usage.ru_maxrss) / 1024 << " MiB of this process at its peak\n";
  return report.str();
}

}  // namespace ttfm::pipeline
