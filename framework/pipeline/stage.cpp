// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/stage.h"

#include <algorithm>
#include <chrono>

#include <ttfm/error.h>

#include "base/log.h"
#include "base/version.h"
#include "run/checkpoint.h"
#include "run/signals.h"

namespace ttfm::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// One stage on its way: what has to be known between two steps.
class StageRun {
 public:
  StageRun(const std::string& stage, train::Trainer& trainer, int64_t steps, int64_t batch, const StageOutputs& outputs)
      : stage_(stage),
        trainer_(trainer),
        steps_(steps),
        batch_(batch),
        out_(outputs),
        checkpoints_(outputs.folder.checkpoints(stage)) {}

  void run() {
    out_.progress.begin(stage_, trainer_.steps_done(), steps_);
    write_status();
    while (!trainer_.finished()) {
      trainer_.step();
      const int64_t step = trainer_.steps_done();
      const bool last = trainer_.finished();
      const bool log = step % out_.log.every == 0 || last, show = out_.progress.due() || last;
      if (log || show) read_metrics(/*write=*/log);
      if (show) out_.progress.show(step, shown_);
      if (step % out_.checkpoint.every == 0 || last) save();
      if (run::StopSignals::received()) stop();
    }
    out_.progress.end();
  }

 private:
  void read_metrics(bool write) {
    require_finite();
    const train::Metrics window = trainer_.metrics();
    shown_.loss = window.loss;
    shown_.terms.assign(window.terms.begin(), window.terms.end());
    shown_.lr = window.learning_rate;
    shown_.gradient_norm = window.gradient_norm;
    shown_.data_share = trainer_.seconds_waited_for_data() / std::max(1e-9, seconds_since(start_));
    if (!write) return;
    trainer_.next_window();
    run::MetricsRecord record{.stage = stage_, .step = window.step, .values = {}};
    record.values.emplace_back("images", window.step * batch_);
    record.values.emplace_back("loss", window.loss);
    for (const auto& [name, value] : window.terms) record.values.emplace_back("loss." + name, value);
    record.values.emplace_back("lr", window.learning_rate);
    record.values.emplace_back("gradient_norm", window.gradient_norm);
    record.values.emplace_back("seconds", seconds());
    out_.metrics.write(record);
  }

  void require_finite() const {
    if (trainer_.finite()) return;
    const auto kept = checkpoints_.steps();
    throw Error(ErrorKind::numeric,
                "stage '" + stage_ + "': the loss or a gradient was not finite at or before step " +
                    std::to_string(trainer_.steps_done()) + "; no step since then has changed the weights. " +
                    (kept.empty() ? std::string("There is no checkpoint yet")
                                  : "The last checkpoint is of step " + std::to_string(kept.back())) +
                    ". Try a lower train.lr, or train.clip_norm = 1.");
  }

  void save() {
    if (saved_at_ == trainer_.steps_done()) return;
    require_finite();  // before a step that was not can be taken for a good one
    run::Checkpoint checkpoint;
    checkpoint.state.stage = stage_;
    checkpoint.state.step = trainer_.steps_done();
    checkpoint.state.images = trainer_.steps_done() * batch_;
    checkpoint.state.seconds = seconds();
    checkpoint.state.versions = {{"libtorch", torch_version()}, {"ttfm", TTFM_VERSION}};
    checkpoint.groups = trainer_.state();
    for (auto& group : checkpoint.groups) {
      for (auto& each : group.tensors) each.value = each.value.detach().cpu();
    }
    checkpoints_.write(checkpoint);
    checkpoints_.prune(out_.checkpoint.keep_last);
    saved_at_ = trainer_.steps_done();
    write_status();
  }

  /// Spent on this stage, over all processes.
  double seconds() const { return out_.earlier_seconds + seconds_since(start_); }

  [[noreturn]] void stop() {
    save();
    out_.progress.end();
    throw Stopped{};
  }

  void write_status() const {
    out_.folder.write_status({.state = run::Status::State::running,
                              .stage = stage_,
                              .step = trainer_.steps_done(),
                              .steps = steps_,
                              .exit_code = 0,
                              .reason = ""});
  }

  const std::string& stage_;
  train::Trainer& trainer_;
  int64_t steps_, batch_;
  const StageOutputs& out_;
  run::Checkpoints checkpoints_;
  run::ProgressValues shown_;
  Clock::time_point start_ = Clock::now();
  int64_t saved_at_ = -1;
};

}  // namespace

void train_stage(const std::string& stage, train::Trainer& trainer, int64_t steps, int64_t batch,
                 const StageOutputs& outputs) {
  StageRun(stage, trainer, steps, batch, outputs).run();
}

}  // namespace ttfm::pipeline
