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
#include "train/loss_terms.h"
#include "train/network.h"
#include "train/update_guard.h"

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
  Network* teacher_network = nullptr;                   ///< of a teacher that holds one
  std::function<std::unique_ptr<Network>()> make_copy;  ///< a further instance of the student, as Role::copy
};

/// A window of training, for the log.
struct Metrics {
  int64_t step = 0;  ///< steps done
  double loss = 0;   ///< mean over the window's steps that were not skipped, like the terms
  std::map<std::string, double> terms;
  double gradient_norm = 0;  ///< of the last step
  double learning_rate = 0;
  int64_t skipped = 0;  ///< steps of the whole stage that were skipped
};

/// All that a resumed stage needs beside its configuration.
struct TrainerState {
  int64_t step = 0;                         ///< steps done
  std::vector<run::TensorGroup> groups;     ///< views of live tensors, on the device
  std::map<std::string, int64_t> counters;  ///< what is counted beside the steps
};

/// One step, computed but not applied.
struct StepRecord {
  std::vector<int64_t> indices;          ///< of the batch's samples in the data set
  std::map<std::string, Tensor> terms;   ///< each term of the loss for each sample, without its weight: [B]
  std::map<std::string, Tensor> values;  ///< what the loss records: s, t
  Tensor loss, gradient_norm;            ///< scalars
  std::vector<std::string> not_finite;   ///< what is not, the most telling first: "loss term 'initial' of 3 samples"
};

/// One stage of training: batches, loss, gradient, optimiser, averages. Nothing in step() waits for the device.
class Trainer {
 public:
  explicit Trainer(const TrainerInputs& inputs);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  void step();
  int64_t steps_done() const { return step_; }
  /// False after an exception in the middle of an update: the state is neither that before the step nor that after it.
  bool sound() const { return !updating_; }
  bool finished() const { return step_ >= inputs_.options.steps; }

  double seconds_waited_for_data() const { return batches_.seconds_waited(); }

  /// The step, from 0, in which the loss or a gradient was not finite, and since which nothing has changed: the first of
  /// more in a row than [train] on_nonfinite allows. None: training goes on. Waits for the device.
  std::optional<int64_t> stopped_at() const { return guard_.stopped_at(); }

  /// Computes `step` with the present weights, and changes nothing: for a step since which nothing has changed, the
  /// same numbers, bit for bit. Waits for the device.
  StepRecord examine(int64_t step);

  /// The window since the last next_window(). Waits for the device.
  Metrics metrics() const;
  void next_window();

  /// The evaluation average of the weights, flat; the weights themselves where ema_decay is 0.
  const Tensor& average() const { return average_.defined() ? average_ : inputs_.student.parameters().values(); }

  /// What a step computes with, "model", "copy-0", ..., "loss", those that there are. Views of live tensors.
  std::vector<run::TensorGroup> weights() const;

  /// These and "ema", "optimizer", "loss_optimizer", "window", those that there are. Waits for the device.
  TrainerState state() const;

  /// Goes on from a state, or takes its weights alone. Throws ttfm::Error (checkpoint) where `source`, the checkpoint's
  /// folder, is of another network or loss.
  void load(const TrainerState& state, const std::string& source);
  void load_weights(const std::vector<run::TensorGroup>& groups, const std::string& source);

 private:
  void check_needs() const;
  LossTerms terms(bool keep) const;
  void backward(LossTerms& terms, const Batch& batch);
  void compute(const Batch& batch, int64_t first_row, LossTerms& terms);
  void update(const Tensor& loss);
  std::vector<AdamW::Average> averages() const;
  void update_copies(uint32_t refresh);
  void add_to_window(const std::map<std::string, Tensor>& sums);
  Stream stream(const char* name, int64_t first_row) const;
  std::vector<run::TensorGroup> training_groups() const;

  TrainerInputs inputs_;
  LossNeeds needs_;
  TrainingBatches batches_;
  UpdateGuard guard_;
  AdamW optimizer_;
  std::optional<FlatParameters> loss_parameters_;  // of a trainable loss
  std::optional<AdamW> loss_optimizer_;
  Tensor average_;
  std::vector<std::unique_ptr<Network>> copies_;
  int64_t step_ = 0;
  bool updating_ = false;

  std::map<std::string, Tensor> window_;  // sums over the window's steps that were not skipped, on the device
  Tensor window_steps_;                   // how many these are, an int64 there
};

}  // namespace ttfm::train
