// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ttfm/loss.h>

#include "config/sections.h"
#include "run/checkpoint.h"
#include "train/adamw.h"
#include "train/batches.h"
#include "train/network.h"

namespace ttfm::train {

/// What a stage of training works on. Everything referred to outlives the trainer.
struct TrainerInputs {
  std::string stage;  ///< "teacher" or "student": part of the key of every random draw
  uint64_t seed = 0;
  config::TrainSection options;
  c10::Device device{c10::kCPU};
  const Dataset& dataset;
  Loss& loss;
  Network& student;
  const Field* teacher = nullptr;                       ///< null where the loss needs none
  std::function<std::unique_ptr<Network>()> make_copy;  ///< a further instance of the student, as Role::copy
};

/// A window of training, for the log.
struct Metrics {
  int64_t step = 0;  ///< steps done
  double loss = 0;   ///< mean over the window, like the terms
  std::map<std::string, double> terms;
  double gradient_norm = 0;  ///< of the last step
  double learning_rate = 0;
};

/// One stage of training: batches, loss, gradient, optimiser, averages. Nothing in step() waits for the device.
class Trainer {
 public:
  explicit Trainer(const TrainerInputs& inputs);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  void step();
  int64_t steps_done() const { return step_; }
  bool finished() const { return step_ >= inputs_.options.steps; }

  double seconds_waited_for_data() const { return batches_.seconds_waited(); }

  /// False: the loss or a gradient of some step was not finite, and nothing has changed since. Waits for the device.
  bool finite() const;

  /// The window since the last next_window(). Waits for the device.
  Metrics metrics() const;
  void next_window();

  /// The evaluation average of the weights, flat; the weights themselves where ema_decay is 0.
  const Tensor& average() const { return average_.defined() ? average_ : inputs_.student.parameters().values(); }

  /// All that a resumed run needs beside its configuration and steps_done(): "model", "ema", "copy-0", ..., "optimizer",
  /// "loss", "loss_optimizer", those that there are. Views of live tensors, on the device.
  std::vector<run::TensorGroup> state() const;

  /// Goes on from a state after `steps_done` steps. Throws ttfm::Error (checkpoint) where `source`, the checkpoint's
  /// folder, is of another network or loss.
  void load(const std::vector<run::TensorGroup>& state, int64_t steps_done, const std::string& source);

 private:
  class Terms;

  void check_needs() const;
  void compute(const Batch& batch, int64_t first_row, Terms& terms);
  void update(const Tensor& loss);
  void update_copies(uint32_t refresh);
  Stream stream(const char* name, int64_t first_row) const;

  TrainerInputs inputs_;
  LossNeeds needs_;
  TrainingBatches batches_;
  AdamW optimizer_;
  std::optional<FlatParameters> loss_parameters_;  // of a trainable loss
  std::optional<AdamW> loss_optimizer_;
  Tensor average_;
  std::vector<std::unique_ptr<Network>> copies_;
  int64_t step_ = 0;

  std::map<std::string, Tensor> window_;  // sums over the window, on the device
  int64_t window_steps_ = 0;
};

}  // namespace ttfm::train
