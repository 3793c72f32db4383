// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/run.h"

#include <cstdio>
#include <optional>

#include <ttfm/error.h>

#include "base/log.h"
#include "base/version.h"
#include "config/sections.h"
#include "kernels/isa.h"
#include "pipeline/disk.h"
#include "pipeline/evaluation.h"
#include "pipeline/rehearsal.h"
#include "pipeline/resume.h"
#include "pipeline/stage.h"
#include "pipeline/stages.h"
#include "pipeline/watch.h"
#include "run/checkpoint.h"
#include "run/exit_code.h"
#include "run/metrics_log.h"
#include "run/signals.h"

namespace ttfm::pipeline {
namespace {

using train::Network;

run::Environment environment_of(const Session& session, const std::vector<std::string>& argv) {
  run::Environment environment;
  environment.versions = {{"ttfm", TTFM_VERSION}, {"libtorch", torch_version()}};
  environment.argv = argv;
  environment.device = session.device().str();
  environment.threads = session.threads();
  environment.instruction_set = kernels::name(kernels::isa());
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
  /// `teacher` is the one that is not trained here, if there is one; `config` is the name of the file in the folder that
  /// holds the resolved configuration.
  Pipeline(const Session& session, run::RunFolder& folder, std::optional<TeacherModel> teacher, std::string config)
      : session_(session),
        folder_(folder),
        teacher_(std::move(teacher)),
        config_(std::move(config)),
        log_(config::read_section<config::LogSection>(session.config().at("log"))),
        checkpoint_(config::read_section<config::CheckpointSection>(session.config().at("checkpoint"))),
        progress_(run::Progress::standard(log_.seconds)) {}

  eval::Results run() {
    const config::Resolved& config = session_.config();
    if (config.has("teacher.train")) teacher_ = session_.assembly().teacher(train("teacher", nullptr));
    const TeacherModel* const teacher = teacher_ ? &*teacher_ : nullptr;
    std::shared_ptr<Network> student;
    if (config.has("student")) student = train("student", teacher);

    folder_.write_status(
        {.state = run::Status::State::running, .stage = "evaluation", .step = 0, .steps = 0, .reason = ""});
    log::info("evaluation");
    return evaluate_models(session_.assembly(), {student.get(), teacher}, folder_.path());
  }

 private:
  std::shared_ptr<Network> train(const std::string& name, const TeacherModel* teacher) {
    Stage stage = make_stage(session_, name);
    const run::Checkpoints checkpoints(folder_.checkpoints(name));
    std::optional<run::Checkpoint> newest;
    if (folder_.resumed()) newest = checkpoints.newest();
    if (name == "student" && !newest) start_student(session_, stage, teacher);
    make_trainer(session_, stage, teacher);
    std::optional<run::CheckpointState> from;
    if (newest) {
      from = newest->state;
      stage.trainer->load({from->step, newest->groups, from->counters}, newest->folder.string());
      newest.reset();
      log::info("stage '" + name + "' goes on after step " + std::to_string(from->step));
    }
    // a finished stage writes nothing again: the lines after it are of stages that come later
    if (folder_.resumed() && !stage.trainer->finished()) {
      const run::ResumePoint point{earlier_, name, stage.trainer->steps_done()};
      run::rewind_metrics(folder_.metrics(), point);
      run::rewind_metrics(folder_.timing(), point);
    }
    AppendFile metrics(folder_.metrics()), timing(folder_.timing());
    log::info("stage '" + name + "': " + session_.config().at(stage.network_section).type + " with " +
              std::to_string(stage.network->parameters().count()) + " weights, loss " +
              session_.config().at(stage.loss_section).type + ", " + std::to_string(stage.options.steps) +
              " steps of " + std::to_string(stage.options.batch));
    train_stage(stage, {.folder = folder_,
                        .metrics = metrics,
                        .timing = timing,
                        .progress = progress_,
                        .log = log_,
                        .checkpoint = checkpoint_,
                        .config = config_,
                        .seed = session_.assembly().seed(),
                        .look = name == "student" ? sample_watch(session_.assembly(), *stage.network) : nullptr,
                        .from = from});
    earlier_.push_back(name);
    const auto eval = config::read_section<config::EvalSection>(session_.config().at("eval"));
    return finished_network(session_, stage, name == "teacher" || eval.weights == config::Weights::ema);
  }

  const Session& session_;
  run::RunFolder& folder_;
  std::optional<TeacherModel> teacher_;
  std::string config_;
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

/// Leaves if a signal came before there was anything to save.
void leave_if_asked() {
  if (run::RunSignals::received()) run::RunSignals::leave();
}

run::RunFolder open_folder(const Session& session, const RunOptions& options) {
  const auto section = config::read_section<config::RunSection>(session.config().at("run"));
  return run::RunFolder({.parent = section.folder.value,
                         .name = section.name,
                         .config = options.session.config,
                         .resume = options.resume,
                         .argv = options.argv});
}

/// Writes down what the run is made of, once it is known that it may go on with that.
void record_start(const Session& session, const RunOptions& options, const TeacherModel* teacher,
                  run::RunFolder& folder) {
  const auto inputs = input_checksums(session, teacher);
  run::Environment environment = environment_of(session, options.argv);
  if (folder.resumed()) {
    environment.changes = check_resume(session, inputs, folder, options.allow_config_change);
    for (const std::string& change : environment.changes) log::info("changed: " + change);
    for (const std::string& difference : run::differences(folder.last_environment(), environment)) {
      log::warning(difference + ": what comes now may differ by rounding from what would have come");
    }
  }
  folder.write_inputs(inputs);
  folder.write_environment(environment);
  folder.write_config(session.config().source, config::print(session.config()));  // last: with it, it is a run
}

}  // namespace

std::filesystem::path run(const RunOptions& options) {
  const run::RunSignals signals;
  const Session session(options.session);
  require_disk(disk_needs(session.config(), rehearse(session)));
  leave_if_asked();
  run::RunFolder folder = open_folder(session, options);
  std::optional<TeacherModel> teacher;
  if (session.config().has("teacher") && !session.config().has("teacher.train")) teacher = teacher_of(session, {});
  record_start(session, options, teacher ? &*teacher : nullptr, folder);
  log::info("run folder " + folder.path().string() + ", device " + session.device_text() + ", " +
            std::to_string(session.threads()) + (session.threads() == 1 ? " thread" : " threads"));

  try {
    const std::string config = folder.latest("config.resolved", ".toml").value_or("config.resolved.toml").filename();
    const eval::Results results = Pipeline(session, folder, std::move(teacher), config).run();
    std::fputs(eval::to_table(results).c_str(), stdout);
    folder.end(run::Status::State::done, 0, "");
  } catch (const Stopped&) {
    folder.end(run::Status::State::stopped, run::RunSignals::exit_code(), "stopped by a signal");
    log::info("stopped; to go on: " + folder.resume_command());
    run::RunSignals::leave();
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

}  // namespace ttfm::pipeline
