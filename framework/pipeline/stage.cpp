// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/stage.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include <ttfm/error.h>
#include <ttfm/plugin.h>

#include "base/log.h"
#include "base/version.h"
#include "pipeline/watch.h"
#include "run/checkpoint.h"
#include "run/failure.h"
#include "run/metrics_log.h"
#include "run/signals.h"

namespace ttfm::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::map<std::string, std::string> versions() { return {{"libtorch", torch_version()}, {"ttfm", TTFM_VERSION}}; }

/// One stage on its way: what has to be known between two steps.
class StageRun {
 public:
  StageRun(const Stage& stage, const StageOutputs& outputs)
      : stage_(stage),
        trainer_(*stage.trainer),
        out_(outputs),
        checkpoints_(outputs.folder.checkpoints(stage.name)),
        retention_{outputs.checkpoint.keep_last, outputs.checkpoint.keep_every, outputs.checkpoint.keep_best} {
    if (!out_.from) return;
    saved_at_ = out_.from->step;
    metrics_ = out_.from->metrics;
    skipped_ = trainer_.metrics().skipped;
  }

  void run() {
    begun_at_ = trainer_.steps_done();
    out_.progress.begin(stage_.name, begun_at_, stage_.options.steps);
    write_status();
    while (!trainer_.finished()) {
      step();
      const int64_t step = trainer_.steps_done();
      const bool last = trainer_.finished();
      const bool log = step % out_.log.every == 0 || last, show = out_.progress.due() || last;
      if (log || show) read_metrics(/*write=*/log);
      if (show) out_.progress.show(step, shown_);
      if (last || run::RunSignals::received()) {
        save(/*must=*/true);
      } else if (step % out_.checkpoint.every == 0 || run::RunSignals::save_asked()) {
        save(/*must=*/false);
      }
      if (run::RunSignals::received()) stop();
    }
    out_.progress.end();
  }

 private:
  void step() {
    try {
      trainer_.step();
    } catch (const std::exception& exception) {
      if (!trainer_.sound()) throw;  // in the middle of an update: the last checkpoint stands
      save_what_there_is();
      if (is_out_of_memory(exception)) out_of_memory(exception);
      throw;
    }
  }

  void read_metrics(bool write) {
    require_finite();
    const train::Metrics window = trainer_.metrics();
    shown_.loss = window.loss;
    shown_.terms.assign(window.terms.begin(), window.terms.end());
    shown_.lr = window.learning_rate;
    shown_.gradient_norm = window.gradient_norm;
    shown_.data_share = trainer_.seconds_waited_for_data() / std::max(1e-9, seconds_since(start_));
    shown_.skipped = window.skipped;
    tell_of_skipped(window.skipped);
    if (write) write_metrics(window);
  }

  void write_metrics(const train::Metrics& window) {
    trainer_.next_window();
    warn(loss_watch_.look(window.loss));
    run::MetricsRecord record{.stage = stage_.name, .step = window.step, .values = {}};
    record.values.emplace_back("images", window.step * stage_.options.batch);
    record.values.emplace_back("loss", window.loss);
    for (const auto& [name, value] : window.terms) record.values.emplace_back("loss." + name, value);
    record.values.emplace_back("lr", window.learning_rate);
    record.values.emplace_back("gradient_norm", window.gradient_norm);
    if (stage_.options.on_nonfinite == config::OnNonfinite::skip) {
      record.values.emplace_back("skipped_steps", window.skipped);
    }
    metrics_.clear();
    for (const auto& [key, value] : record.values) {
      if (const auto* number = std::get_if<double>(&value); number && std::isfinite(*number)) metrics_[key] = *number;
    }
    append(out_.metrics, record);

    const double passed = seconds_since(start_);
    append(out_.timing, {.stage = stage_.name,
                         .step = window.step,
                         .values = {{"seconds", seconds()},
                                    {"steps_per_second", static_cast<double>(window.step - begun_at_) / passed},
                                    {"data_wait", *shown_.data_share}}});
  }

  /// A full disk costs no line: what it does not take is written before the next checkpoint.
  void append(AppendFile& file, const run::MetricsRecord& record) {
    if (!file.append(run::metrics_line(record) + "\n")) {
      log::warn_once("the disk does not take all of what the run writes: it is kept in memory until there is room");
    }
  }

  void tell_of_skipped(int64_t skipped) {
    if (skipped == skipped_) return;
    warn(std::to_string(skipped - skipped_) + " steps up to step " + std::to_string(trainer_.steps_done()) +
         " were skipped: their loss or gradient was not finite (" + std::to_string(skipped) + " in the whole stage)");
    skipped_ = skipped;
  }

  void warn(const std::string& text) const {
    if (!text.empty()) log::warning("stage '" + stage_.name + "': " + text);
  }

  /// Throws if the training has stopped for a number that is not finite. What it stopped at is left as a file.
  void require_finite() {
    const std::optional<int64_t> bad = trainer_.stopped_at();
    if (!bad) return;
    const train::StepRecord record = trainer_.examine(*bad);
    const std::string what =
        record.not_finite.empty() ? "something that is finite when it is computed again" : record.not_finite.front();
    std::string text = "stage '" + stage_.name + "': the loss or a gradient was not finite in step " +
                       std::to_string(*bad + 1) + ": " + what + ". No step since then has changed the weights. ";
    const auto kept = checkpoints_.steps();
    text += kept.empty() ? std::string("There is no checkpoint yet")
                         : "The last checkpoint is of step " + std::to_string(kept.back());
    text += ". Try a lower lr, clip_norm = 1, or on_nonfinite = \"skip\", all in [" +
            std::string(stage_.name == "teacher" ? "teacher.train" : "train") + "].";
    throw Error(ErrorKind::numeric, text + write_failure(record, *bad + 1));
  }

  /// What the error says of the failure file.
  std::string write_failure(const train::StepRecord& record, int64_t step) const {
    run::Failure failure;
    failure.stage = stage_.name;
    failure.step = step;
    failure.seed = out_.seed;
    failure.config = out_.config;
    failure.versions = versions();
    failure.not_finite = record.not_finite;
    failure.weights = trainer_.weights();
    failure.indices = at::tensor(record.indices);
    failure.terms = record.terms;
    failure.values = record.values;
    failure.loss = record.loss;
    failure.gradient_norm = record.gradient_norm;
    const std::filesystem::path path = out_.folder.failure(stage_.name, step);
    try {
      run::write_failure(path, failure);
    } catch (const std::exception& exception) {
      return std::string("\nThe step could not be kept: ") + exception.what();
    }
    return "\nTo compute this step again: ttfm run --replay " + path.string();
  }

  void save(bool must) {
    if (saved_at_ == trainer_.steps_done()) return;
    require_finite();  // before a step that was not can be taken for a good one
    try {
      write_checkpoint();
      failed_saves_ = 0;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::io || must || ++failed_saves_ >= out_.checkpoint.attempts) throw;
      log::error(std::string(error.what()) + ". The run goes on; attempt " + std::to_string(failed_saves_) + " of " +
                 std::to_string(out_.checkpoint.attempts) + ", the next with the next checkpoint");
      return;
    }
    if (out_.look) warn(out_.look());
  }

  void write_checkpoint() {
    // a run that goes on from this checkpoint has to find the lines up to it
    out_.metrics.sync();
    out_.timing.sync();
    run::Checkpoint checkpoint;
    checkpoint.state.stage = stage_.name;
    checkpoint.state.step = trainer_.steps_done();
    checkpoint.state.images = trainer_.steps_done() * stage_.options.batch;
    checkpoint.state.seconds = seconds();
    checkpoint.state.metrics = metrics_;
    checkpoint.state.versions = versions();
    train::TrainerState state = trainer_.state();
    checkpoint.state.counters = state.counters;
    checkpoint.groups = std::move(state.groups);
    for (auto& group : checkpoint.groups) {
      for (auto& each : group.tensors) each.value = each.value.detach().cpu();
    }
    checkpoints_.write(checkpoint);
    saved_at_ = trainer_.steps_done();
    checkpoints_.prune(retention_, saved_at_);
    write_status();
  }

  /// Before an error is told: a second one must not hide it.
  void save_what_there_is() {
    try {
      save(/*must=*/true);
    } catch (const std::exception& second) {
      log::warning(second.what());
    }
  }

  [[noreturn]] void out_of_memory(const std::exception& exception) const {
    const std::string train = stage_.name == "teacher" ? "--teacher.train." : "--train.";
    const int64_t batch = stage_.options.batch, accumulate = stage_.options.accumulate;
    std::string less;
    for (int64_t parts = accumulate * 2; parts <= batch && less.empty(); parts += accumulate) {
      if (batch % parts != 0) continue;
      less =
          "\n  " + train + "accumulate=" + std::to_string(parts) + "  the same step in smaller parts, perhaps slower";
    }
    less += "\n  " + train + "batch=" + std::to_string(std::max(accumulate, batch / 2 / accumulate * accumulate)) +
            "  less memory for the same network";
    less += "\n  " + train + "ema_decay=0  one copy of the weights less";
    throw Error(ErrorKind::device, "stage '" + stage_.name + "', step " + std::to_string(trainer_.steps_done() + 1) +
                                       ": out of memory (" + first_line(exception.what()) +
                                       "). Each of these needs less:" + less);
  }

  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

  /// Spent on this stage, over all processes.
  double seconds() const { return (out_.from ? out_.from->seconds : 0) + seconds_since(start_); }

  [[noreturn]] void stop() {
    out_.progress.end();
    throw Stopped{};
  }

  void write_status() const {
    out_.folder.write_status({.state = run::Status::State::running,
                              .stage = stage_.name,
                              .step = trainer_.steps_done(),
                              .steps = stage_.options.steps,
                              .exit_code = 0,
                              .reason = ""});
  }

  const Stage& stage_;
  train::Trainer& trainer_;
  const StageOutputs& out_;
  run::Checkpoints checkpoints_;
  run::Retention retention_;
  run::ProgressValues shown_;
  LossWatch loss_watch_;
  std::map<std::string, double> metrics_;  // of the last line
  Clock::time_point start_ = Clock::now();
  int64_t begun_at_ = 0;
  int64_t saved_at_ = -1;
  int64_t failed_saves_ = 0;  // in a row
  int64_t skipped_ = 0;       // steps that the user knows of
};

}  // namespace

void train_stage(const Stage& stage, const StageOutputs& outputs) { StageRun(stage, outputs).run(); }

}  // namespace ttfm::pipeline
