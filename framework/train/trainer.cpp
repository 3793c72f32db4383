// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <utility>

#include <ttfm/error.h>

#include "base/activation_policy.h"
#include "base/log.h"
#include "base/philox.h"
#include "facade/impl.h"
#include "run/weights.h"
#include "train/schedule.h"

namespace ttfm::train {
namespace {

constexpr const char *kOptimizer = "optimizer", *kLossOptimizer = "loss_optimizer";
constexpr const char* kWindow = "window";
constexpr const char* kWindowSteps = "window_steps";

/// The group of that name among those of `source`, which has to be there.
const run::TensorGroup& group_of(const std::vector<run::TensorGroup>& groups, const std::string& name,
                                 const std::string& source) {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.name == name; });
  if (found != groups.end()) return *found;
  throw Error(ErrorKind::checkpoint, "'" + source + "' has no " + name +
                                         ".safetensors, which this stage needs: it is of another loss or [train] "
                                         "section; go on with the configuration of that run");
}

void copy_groups(const std::vector<run::TensorGroup>& to, const std::vector<run::TensorGroup>& from,
                 const std::string& source) {
  for (const run::TensorGroup& own : to) {
    run::copy_weights(own.tensors, group_of(from, own.name, source).tensors, source + "/" + own.name + ".safetensors");
  }
}

/// "3 of 128 numbers", "" if all of them are finite.
std::string not_finite_in(const Tensor& tensor) {
  const int64_t bad = at::isfinite(tensor).logical_not().sum().item<int64_t>();
  return bad == 0 ? "" : std::to_string(bad) + " of " + std::to_string(tensor.numel());
}

Trainable* trainable(Loss& loss) {
  return const_cast<Trainable*>(static_cast<const Trainable*>(loss.query(interface_id::kTrainable)));
}

}  // namespace

Trainer::Trainer(const TrainerInputs& inputs)
    : inputs_(inputs),
      batches_(inputs.dataset, mix(inputs.seed, inputs.stage), inputs.options.batch, inputs.device),
      guard_(inputs.options.on_nonfinite == config::OnNonfinite::skip ? inputs.options.max_skipped : 0, inputs.device),
      optimizer_(inputs.student.parameters(), inputs.options) {
  const at::NoGradGuard no_grad;
  next_window();
  recompute_activations(inputs_.options.activations == config::Activations::recompute);
  inputs_.student.compute_in(config::compute_type(inputs_.options.precision));
  if (inputs_.teacher_network) inputs_.teacher_network->compute_in(config::frozen_type(inputs_.options));
  inputs_.loss.needs(needs_);
  check_needs();
  if (inputs_.options.ema_decay > 0) average_ = inputs_.student.parameters().values().clone();
  for (uint32_t i = 0; i < needs_.copies; ++i) {
    copies_.push_back(inputs_.make_copy());
    copies_.back()->compute_in(config::frozen_type(inputs_.options));
    const FlatParameters& copy = copies_.back()->parameters();
    copy.load(inputs_.student.parameters().named(), "the student");
  }
  if (Trainable* own = trainable(inputs_.loss)) {
    ParameterCollector collector("loss");
    ParameterSet set(&collector);
    own->parameters(set);
    own->initialise(stream("loss initialise", 0).on_host());
    loss_parameters_.emplace(collector, inputs_.device, /*trainable=*/true);
    loss_optimizer_.emplace(*loss_parameters_, inputs_.options);
  }
}

Trainer::~Trainer() {
  if (inputs_.teacher_network) inputs_.teacher_network->compute_in(at::kFloat);  // it is evaluated as it was trained
}

void Trainer::check_needs() const {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::config, "the loss of stage '" + inputs_.stage + "' " + what);
  };
  if (needs_.copies > std::size(needs_.copy)) {
    throw Error(ErrorKind::plugin, "the loss of stage '" + inputs_.stage + "' declares " +
                                       std::to_string(needs_.copies) + " copies of the student, expected at most " +
                                       std::to_string(std::size(needs_.copy)));
  }
  if (needs_.derivative && !inputs_.student.traits().dual) inputs_.student.map().warn_of_differences();
  if (!needs_.teacher) return;
  if (!inputs_.teacher) refuse("needs a teacher: add [teacher]");
  NetworkTraits teacher;
  inputs_.teacher->traits(teacher);
  if (teacher.classes > 0 && inputs_.student.traits().classes == 0) {
    log::warning("the teacher of stage '" + inputs_.stage +
                 "' knows labels and the student does not: the teacher is asked without labels, and without guidance");
  }
  if (needs_.teacher_x_gradient && !teacher.x_gradient) {
    refuse(
        "differentiates the teacher in x, which this teacher does not offer: choose another [teacher], or a loss that "
        "stops the gradient there (stop_gradient = \"teacher\")");
  }
}

Stream Trainer::stream(const char* name, int64_t first_row) const {
  Stream::Impl impl;
  // "step" keeps these keys apart from those of the batches' epochs, which are mix(mix(seed, stage), epoch)
  impl.key = mix(mix(mix(mix(inputs_.seed, inputs_.stage), static_cast<uint64_t>(step_)), "step"), name);
  impl.row_offset = first_row;
  impl.device_type = static_cast<int8_t>(inputs_.device.type());
  impl.device_index = inputs_.device.index();
  return Stream(impl);
}

void Trainer::compute(const Batch& batch, int64_t first_row, LossTerms& terms) {
  const Stream own = stream("loss", first_row), dropout = stream("dropout", first_row);
  Call call;
  if (inputs_.student.traits().classes > 0) call.label = batch.label;
  if (inputs_.student.traits().dropout) call.dropout = &dropout;

  LossInputs::Impl in;
  in.x_0 = stream("x_0", first_row).normal(batch.x_1.sizes());
  if (needs_.data) in.x_1 = batch.x_1;
  in.call = &call;
  in.stream = &own;
  in.step = step_;
  in.steps = inputs_.options.steps;
  in.student = &inputs_.student.flow_map();
  in.teacher = needs_.teacher ? inputs_.teacher : nullptr;
  for (size_t i = 0; i < copies_.size(); ++i) in.copies[i] = &copies_[i]->flow_map();

  inputs_.loss.compute(LossInputs(&in), LossResult(&terms));
  if (!terms.total().defined() || !terms.total().requires_grad()) {
    throw Error(ErrorKind::plugin,
                "the loss of stage '" + inputs_.stage + "' gave no term that depends on the student");
  }
  terms.total().backward();
  terms.next();
}

/// The gradient of step_'s batch.
void Trainer::backward(LossTerms& terms, const Batch& batch) {
  inputs_.student.parameters().clear_gradient();
  if (loss_parameters_) loss_parameters_->clear_gradient();
  const at::AutoGradMode grad_mode(true);
  const int64_t rows = inputs_.options.batch / inputs_.options.accumulate;
  for (int64_t first = 0; first < inputs_.options.batch; first += rows) {
    const Tensor label = batch.label.defined() ? batch.label.narrow(0, first, rows) : Tensor();
    compute({batch.x_1.narrow(0, first, rows), label}, first, terms);
  }
}

LossTerms Trainer::terms(bool keep) const {
  const int64_t parts = inputs_.options.accumulate;
  return LossTerms(needs_, inputs_.options.batch / parts, 1.0 / static_cast<double>(parts), keep);
}

void Trainer::step() {
  const Batch batch = batches_.take(step_);
  LossTerms terms = this->terms(/*keep=*/false);
  backward(terms, batch);
  updating_ = true;
  update(terms.sums().at(kTotal));
  update_copies(terms.refresh());
  add_to_window(terms.sums());
  ++step_;
  updating_ = false;
}

void Trainer::update(const Tensor& loss) {
  std::vector<Tensor> norms{optimizer_.measure()};
  if (loss_optimizer_) norms.push_back(loss_optimizer_->measure());
  guard_.judge(step_, loss, norms);

  const double lr = learning_rate(inputs_.options, step_);
  optimizer_.step(lr, guard_, averages());
  if (loss_optimizer_) loss_optimizer_->step(lr, guard_, {});
}

/// What follows the student's weights in every step: their average, and copies of that kind.
std::vector<AdamW::Average> Trainer::averages() const {
  std::vector<AdamW::Average> all;
  if (average_.defined()) all.push_back({average_, nullptr, 1 - ema_decay(inputs_.options.ema_decay, step_)});
  for (size_t i = 0; i < copies_.size(); ++i) {
    if (needs_.copy[i].kind != CopyRule::kEma) continue;
    FlatParameters& copy = copies_[i]->parameters();
    all.push_back({copy.values(), copy.shadow(), 1 - ema_decay(needs_.copy[i].decay, step_)});
  }
  return all;
}

void Trainer::update_copies(uint32_t refresh) {
  const at::NoGradGuard no_grad;
  const Tensor& values = inputs_.student.parameters().values();
  for (size_t i = 0; i < copies_.size(); ++i) {
    const CopyRule& rule = needs_.copy[i];
    const Tensor& copy = copies_[i]->parameters().values();
    if (rule.kind != CopyRule::kEma &&
        ((refresh >> i & 1u) || (rule.refresh_every > 0 && (step_ + 1) % rule.refresh_every == 0))) {
      follow(copy, values, 1, guard_);
    }
  }
}

void Trainer::add_to_window(const std::map<std::string, Tensor>& sums) {
  const at::NoGradGuard no_grad;
  const std::optional<bool> masked = guard_.masked_on_host();
  if (masked == true) return;
  const Tensor counts = guard_.masked() == 0;
  for (const auto& [name, value] : sums) {
    const Tensor counted = masked ? value : at::where(counts, value, 0);
    Tensor& sum = window_[name];
    sum = sum.defined() ? sum + counted : counted;
  }
  window_steps_ = window_steps_ + counts;
}

StepRecord Trainer::examine(int64_t step) {
  const int64_t present = std::exchange(step_, step);
  StepRecord record;
  record.indices = batches_.indices(step);
  LossTerms terms = this->terms(/*keep=*/true);
  try {
    backward(terms, batches_.take(step));
  } catch (...) {
    step_ = present;
    throw;
  }
  step_ = present;

  const at::NoGradGuard no_grad;
  record.terms = terms.kept_terms();
  record.values = terms.kept_values();
  record.loss = terms.sums().at(kTotal);
  record.gradient_norm = at::linalg_vector_norm(inputs_.student.parameters().gradient());
  const auto look = [&record](const std::string& what, const Tensor& tensor, const char* unit) {
    const std::string bad = not_finite_in(tensor);
    if (!bad.empty()) record.not_finite.push_back(what + " (" + bad + " " + unit + ")");
  };
  for (const run::TensorGroup& group : weights()) {
    for (const NamedTensor& each : group.tensors) look(group.name + " '" + each.name + "'", each.value, "numbers");
  }
  for (const auto& [name, value] : record.values) look("'" + name + "' of the loss", value, "numbers");
  for (const auto& [name, value] : record.terms) look("loss term '" + name + "'", value, "samples");
  const auto gradients = [&](const std::string& of, const FlatParameters& parameters) {
    for (const NamedTensor& each : parameters.named_in(parameters.gradient())) {
      look("gradient of " + of + "'" + each.name + "'", each.value, "numbers");
    }
  };
  gradients("", inputs_.student.parameters());
  if (loss_parameters_) gradients("the loss's ", *loss_parameters_);
  return record;
}

Metrics Trainer::metrics() const {
  Metrics metrics;
  metrics.step = step_;
  metrics.learning_rate = learning_rate(inputs_.options, std::max<int64_t>(0, step_ - 1));
  metrics.skipped = guard_.skipped();
  const auto steps = window_steps_.item<double>();  // 0 / 0: no loss is known where each step was skipped
  for (const auto& [name, sum] : window_) {
    const double mean = sum.item<double>() / steps;
    if (name == kTotal)
      metrics.loss = mean;
    else
      metrics.terms[name] = mean;
  }
  if (optimizer_.gradient_norm().defined()) metrics.gradient_norm = optimizer_.gradient_norm().item<double>();
  return metrics;
}

void Trainer::next_window() {
  window_.clear();
  window_steps_ = at::zeros({}, at::TensorOptions().dtype(at::kLong).device(inputs_.device));
}

std::vector<run::TensorGroup> Trainer::weights() const {
  std::vector<run::TensorGroup> groups{{"model", inputs_.student.parameters().named()}};
  for (size_t i = 0; i < copies_.size(); ++i) {
    groups.push_back({"copy-" + std::to_string(i), copies_[i]->parameters().named()});
  }
  if (loss_parameters_) groups.push_back({"loss", loss_parameters_->named()});
  return groups;
}

std::vector<run::TensorGroup> Trainer::training_groups() const {
  std::vector<run::TensorGroup> groups = weights();
  if (average_.defined()) groups.push_back({"ema", inputs_.student.parameters().named_in(average_)});
  groups.push_back({kOptimizer, optimizer_.named()});
  if (loss_optimizer_) groups.push_back({kLossOptimizer, loss_optimizer_->named()});
  return groups;
}

TrainerState Trainer::state() const {
  TrainerState state{step_, training_groups(), guard_.counters()};
  state.counters[kWindowSteps] = window_steps_.item<int64_t>();
  if (!window_.empty()) {
    run::TensorGroup& window = state.groups.emplace_back(run::TensorGroup{kWindow, {}});
    for (const auto& [name, sum] : window_) window.tensors.push_back({name, sum});
  }
  return state;
}

void Trainer::load_weights(const std::vector<run::TensorGroup>& groups, const std::string& source) {
  copy_groups(weights(), groups, source);
}

void Trainer::load(const TrainerState& state, const std::string& source) {
  const std::vector<run::TensorGroup> groups = training_groups();
  copy_groups(groups, state.groups, source);
  for (const run::TensorGroup& group : groups) {
    if (group.name == kOptimizer) optimizer_.load(group.tensors);
    if (group.name == kLossOptimizer) loss_optimizer_->load(group.tensors);
  }
  guard_.load(state.counters);
  step_ = state.step;
  next_window();
  for (const run::TensorGroup& group : state.groups) {
    if (group.name != kWindow) continue;
    for (const NamedTensor& each : group.tensors)
      window_[each.name] = each.value.to(inputs_.device, /*non_blocking=*/false, /*copy=*/true);
    const auto steps = state.counters.find(kWindowSteps);
    window_steps_.fill_(steps == state.counters.end() ? 0 : steps->second);
  }
}

}  // namespace ttfm::train
