// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "device_run.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>

#include <fstream>

#include <ttfm/flow/times.h>
#include <ttfm/io/safetensors.h>

#include "combinations.h"
#include "config/sections.h"
#include "fake_device.h"
#include "pipeline/evaluation.h"
#include "pipeline/sampling.h"

namespace ttfm::test {
namespace {

using train::Network;

/// The images of configurations: bytes, so that the device applies the data's range, and of an odd size, so that networks
/// have to pad them. Returns the configuration's file.
std::filesystem::path write_files(const std::filesystem::path& folder, const std::string& toml) {
  const Tensor pixels = at::arange(48 * 25).remainder(251).to(at::kByte).view({48, 1, 5, 5});
  io::write_safetensors(folder / "images.safetensors", {{"x", pixels}, {"label", at::arange(48).remainder(3)}});
  const auto file = folder / "run.toml";
  std::ofstream(file) << toml << kTraining;
  return file;
}

}  // namespace

Experiment::Experiment(const std::string& toml)
    : registry_({{TTFM_TEST_PLUGINS, "the build", true}}),
      config_(config::load(write_files(folder_.path(), toml), {}, registry_)) {}

DeviceRun::DeviceRun(const Experiment& experiment, c10::Device device)
    : assembly_(experiment.config(), experiment.registry(), device), folder_(experiment.folder() / device.str()) {
  if (assembly_.teacher_has_network()) {
    const auto network = make_network("teacher.network");
    fit("teacher", *network);
    teacher_ = assembly_.teacher(network);
  } else {
    teacher_ = assembly_.teacher(nullptr);
  }
  student_ = make_network("student");
  const auto options = config::read_section<config::StudentSection>(assembly_.config().at("student"));
  if (options.init == config::Init::teacher) {
    student_->parameters().load(teacher_.network->parameters().named(), "the teacher's network");
  }
}

Stream DeviceRun::stream(const char* name) const { return assembly_.stream("device test").child(name); }

/// With pairs of times, some of them equal, and labels where the data have some.
DeviceRun::Arguments DeviceRun::arguments() const {
  constexpr int64_t kRows = 6;
  std::vector<int64_t> shape = assembly_.data_shape();
  shape.insert(shape.begin(), kRows);
  flow::TimePairOptions options;
  options.diagonal = 0.5;
  const flow::TimePair times = options.pair(stream("times").on_host(), kRows);
  Arguments at{stream("x").normal(shape), times.s.to(assembly_.device()), times.t.to(assembly_.device()), {}};
  const int64_t classes = assembly_.data().classes;
  if (classes > 0) at.call.label = stream("label").integers({kRows}, classes + 1);
  return at;
}

/// Its weights are moved away from where they start: many start at 0, which hides what depends on them.
std::shared_ptr<Network> DeviceRun::make_network(const char* section) const {
  const at::NoGradGuard no_grad;
  std::shared_ptr<Network> network = assembly_.network(section, Network::Role::trained);
  for (const auto& weight : network->parameters().named()) {
    weight.value.add_(stream("move").child(weight.name).normal(weight.value.sizes()), 0.2);
  }
  return network;
}

train::TrainerInputs DeviceRun::trainer_inputs(const char* stage, Network& network, Loss& loss) const {
  const bool teacher = stage == std::string("teacher");
  const std::string section = teacher ? "teacher.network" : "student";
  return {
      .stage = stage,
      .seed = assembly_.seed(),
      .options = config::read_section<config::TrainSection>(assembly_.config().at(teacher ? "teacher.train" : "train")),
      .device = assembly_.device(),
      .dataset = assembly_.dataset(),
      .loss = loss,
      .student = network,
      .teacher = teacher_.field.get(),
      .make_copy = [this, section] { return assembly_.network(section, Network::Role::copy); }};
}

void DeviceRun::fit(const char* stage, Network& network) {
  const host::Owned<Loss> loss = assembly_.loss(stage == std::string("teacher") ? "teacher.loss" : "loss");
  const train::TrainerInputs inputs = trainer_inputs(stage, network, *loss);
  train::TrainerState saved;
  {
    train::Trainer first(inputs);
    step(first);
    saved = first.state();
    for (auto& group : saved.groups) {
      for (auto& each : group.tensors) each.value = each.value.detach().clone().cpu();
    }
  }
  train::Trainer resumed(inputs);
  resumed.load(saved, "the state");
  step(resumed);

  const std::string prefix = std::string(stage) + "'s ";
  const train::Metrics metrics = resumed.metrics();
  for (const auto& [name, value] : metrics.terms) add(prefix + name, at::tensor(value));
  add(prefix + "loss", at::tensor(metrics.loss));
  add(prefix + "gradient norm", at::tensor(metrics.gradient_norm));
  for (const run::TensorGroup& group : resumed.state().groups) {
    for (const auto& each : group.tensors) add(prefix + group.name + ' ' + each.name, each.value);
  }
  network.parameters().load(network.parameters().named_in(resumed.average()), "the average");
}

void DeviceRun::train_student() { fit("student", *student_); }

void DeviceRun::train_on_batches_of(c10::Device device) {
  const host::Owned<Loss> loss = assembly_.loss("loss");
  train::TrainerInputs inputs = trainer_inputs("student", *student_, *loss);
  inputs.device = device;
  train::Trainer(inputs).step();
}

void DeviceRun::step(train::Trainer& trainer) {
  const int64_t before = device_waits();
  trainer.step();
  waits_ += device_waits() - before;
}

void DeviceRun::differentiate() {
  const Arguments at = arguments();
  const Tensor x = at.x.detach().set_requires_grad(true);
  const auto random = [&](const char* name) { return stream(name).normal(x.sizes()); };
  const Direction direction{random("dx"), stream("ds").normal(at.s.sizes()), stream("dt").normal(at.s.sizes())};
  student_->parameters().gradient().zero_();
  const Tensor plain = student_->flow_map().velocity(x, at.s, at.t, at.call);
  const Dual dual = student_->flow_map().derivative(x, at.s, at.t, direction, at.call);
  (plain * random("a") + dual.primal * random("b") + dual.tangent * random("c")).sum().backward();
  add("velocity", plain);
  add("primal", dual.primal);
  add("tangent", dual.tangent);
  const train::FlatParameters& weights = student_->parameters();
  add("gradient in the weights", weights.row_by_row(weights.gradient()));
  add("gradient in x", x.grad());
}

void DeviceRun::ask_teacher() {
  const Arguments at = arguments();
  add("v", teacher().velocity(at.x, at.t, at.call));
  if (const void* map = teacher_.teacher->query(interface_id::kExactMap)) {
    add("exact map", static_cast<const ExactMap*>(map)->velocity(at.x, at.s, at.t));
  }
  if (const void* density = teacher_.teacher->query(interface_id::kDensity)) {
    add("log density", static_cast<const Density*>(density)->log_density(at.x));
  }
}

void DeviceRun::sample() {
  const Arguments at = arguments();
  const auto student_sampler = assembly_.sampler("sampler"), teacher_sampler = assembly_.sampler("teacher.sampler");
  const pipeline::SampledBy student{*student_sampler.sampler, student_sampler.name, nullptr, &student_->flow_map(),
                                    student_->map().evaluations()};
  const pipeline::SampledBy teacher{*teacher_sampler.sampler, teacher_sampler.name, teacher_.field.get(), nullptr,
                                    teacher_.evaluations()};
  add("the student's samples", pipeline::draw(student, at.x, at.call, stream("sampler"), 3).x_1);
  add("the teacher's samples", pipeline::draw(teacher, at.x, at.call, stream("sampler"), 200).x_1);
}

eval::Results DeviceRun::evaluate() {
  return pipeline::evaluate_models(assembly_, {student_.get(), &teacher_}, folder_);
}

void DeviceRun::add(const std::string& name, const Tensor& value) {
  outcome_.emplace_back(name, value.detach().clone().cpu());
}

}  // namespace ttfm::test
