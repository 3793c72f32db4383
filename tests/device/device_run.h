// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ttfm/conformance/numbers.h>
#include <ttfm/conformance/temporary_folder.h>

#include "eval/report.h"
#include "pipeline/assembly.h"
#include "train/trainer.h"

namespace ttfm::test {

/// Tensors in host memory, under names.
using Outcome = std::vector<std::pair<std::string, Tensor>>;

/// A configuration with the plugins of the build, in a folder that has a data set of small images.
class Experiment {
 public:
  explicit Experiment(const std::string& toml);

  const config::Resolved& config() const { return config_; }
  const host::Registry& registry() const { return registry_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  conformance::TemporaryFolder folder_;
  host::Registry registry_;
  config::Resolved config_;
};

/// A run on one device, part by part. The constructor makes its models, and trains the teacher where it is a network.
class DeviceRun {
 public:
  DeviceRun(const Experiment& experiment, c10::Device device);

  const pipeline::Assembly& assembly() const { return assembly_; }
  const Field& teacher() const { return *teacher_.field; }
  train::Network& student() { return *student_; }

  /// What the parts have computed since the last call.
  Outcome take() { return std::exchange(outcome_, {}); }

  /// Two steps of training, the second one as a resumed run takes it: gradients, and every state that is saved.
  void train_student();
  int64_t waits_of_steps() const { return waits_; }  ///< of the host, for the device, in all steps of training

  /// One step whose batch is on another device than the student.
  void train_on_batches_of(c10::Device device);

  /// u, its derivative, and the gradient of both in the weights and in x.
  void differentiate();

  /// v, and what an exact teacher offers beside it.
  void ask_teacher();

  /// Samples of both models.
  void sample();

  eval::Results evaluate();

 private:
  struct Arguments {
    Tensor x, s, t;
    Call call;
  };

  Stream stream(const char* name) const;
  Arguments arguments() const;
  std::shared_ptr<train::Network> make_network(const char* section) const;
  train::TrainerInputs trainer_inputs(const char* stage, train::Network& network, Loss& loss) const;
  void fit(const char* stage, train::Network& network);
  void step(train::Trainer& trainer);
  void add(const std::string& name, const Tensor& value);

  pipeline::Assembly assembly_;
  std::filesystem::path folder_;
  pipeline::TeacherModel teacher_;
  std::shared_ptr<train::Network> student_;
  int64_t waits_ = 0;
  Outcome outcome_;
};

}  // namespace ttfm::test
