// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/trainer.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include <ttfm/error.h>

#include "base/log.h"
#include "base/philox.h"
#include "facade/impl.h"
#include "run/weights.h"
#include "train/schedule.h"

namespace ttfm::train {
namespace {

constexpr const char* kTotal = "loss";

Trainable* trainable(Loss& loss) {
  return const_cast<Trainable*>(static_cast<const Trainable*>(loss.query(interface_id::kTrainable)));
}

}  // namespace

/// What a loss adds up in one micro-batch.
class Trainer::Terms final : public LossResult::Impl {
 public:
  Terms(const LossNeeds& needs, int64_t rows, double share) : needs_(needs), rows_(rows), share_(share) {}

  void add(Name term, const Tensor& per_sample, double weight) override {
    if (term == kTotal) throw Error(ErrorKind::plugin, "a loss term is named 'loss', which is the name of their sum");
    if (!per_sample.defined() || per_sample.dim() != 1 || per_sample.size(0) != rows_) {
      throw Error(ErrorKind::plugin, "loss term '" + std::string(term) + "' has the shape " +
                                         (per_sample.defined() ? c10::str(per_sample.sizes()) : "(undefined)") +
                                         ", expected one value for each sample: [" + std::to_string(rows_) + "]");
    }
    const Tensor mean = per_sample.mean() * share_;
    accumulate(std::string(term), mean.detach());
    if (weight == 0) return;
    total_ = total_.defined() ? total_ + weight * mean : weight * mean;
  }
  void record(Name, const Tensor&) override {}
  void refresh_copy(uint32_t i) override {
    if (i >= needs_.copies || needs_.copy[i].kind != CopyRule::kFrozen) {
      throw Error(ErrorKind::plugin, "the loss refreshes copy " + std::to_string(i) +
                                         ", which LossNeeds does not declare as a frozen copy");
    }
    refresh_ |= 1u << i;
  }

  const Tensor& total() const { return total_; }
  uint32_t refresh() const { return refresh_; }
  const std::map<std::string, Tensor>& sums() const { return sums_; }

  /// Makes ready for the next micro-batch; the sums stay.
  void next() { total_.reset(); }
  void accumulate(const std::string& name, const Tensor& value) {
    Tensor& sum = sums_[name];
    sum = sum.defined() ? sum + value : value;
  }

 private:
  const LossNeeds& needs_;
  int64_t rows_;
  double share_;  // of the micro-batch in the batch
  Tensor total_;
  uint32_t refresh_ = 0;
  std::map<std::string, Tensor> sums_;
};

Trainer::Trainer(const TrainerInputs& inputs)
    : inputs_(inputs),
      batches_(inputs.dataset, mix(inputs.seed, inputs.stage), inputs.options.batch, inputs.device),
      optimizer_(inputs.student.parameters(), inputs.options) {
  const at::NoGradGuard no_grad;
  inputs_.loss.needs(needs_);
  check_needs();
  if (inputs_.options.ema_decay > 0) average_ = inputs_.student.parameters().values().clone();
  for (uint32_t i = 0; i < needs_.copies; ++i) {
    copies_.push_back(inputs_.make_copy());
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

void Trainer::compute(const Batch& batch, int64_t first_row, Terms& terms) {
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

  terms.next();
  inputs_.loss.compute(LossInputs(&in), LossResult(&terms));
  if (!terms.total().defined() || !terms.total().requires_grad()) {
    throw Error(ErrorKind::plugin,
                "the loss of stage '" + inputs_.stage + "' gave no term that depends on the student");
  }
  terms.total().backward();
  terms.accumulate(kTotal, terms.total().detach());
}

void Trainer::step() {
  const int64_t accumulate = inputs_.options.accumulate, rows = inputs_.options.batch / accumulate;
  const Batch batch = batches_.take(step_);
  inputs_.student.parameters().gradient().zero_();
  if (loss_parameters_) loss_parameters_->gradient().zero_();

  Terms terms(needs_, rows, 1.0 / static_cast<double>(accumulate));
  {
    const at::AutoGradMode grad_mode(true);
    for (int64_t i = 0; i < accumulate; ++i) {
      const Tensor label = batch.label.defined() ? batch.label.narrow(0, i * rows, rows) : Tensor();
      compute({batch.x_1.narrow(0, i * rows, rows), label}, i * rows, terms);
    }
  }
  update(terms.sums().at(kTotal));
  update_copies(terms.refresh());

  for (const auto& [name, value] : terms.sums()) {
    Tensor& sum = window_[name];
    sum = sum.defined() ? sum + value : value;
  }
  ++window_steps_;
  ++step_;
}

void Trainer::update(const Tensor& loss) {
  const double lr = learning_rate(inputs_.options, step_);
  optimizer_.step(lr, loss);
  if (loss_optimizer_) loss_optimizer_->step(lr, loss);
  const at::NoGradGuard no_grad;
  if (average_.defined()) {
    average_.lerp_(inputs_.student.parameters().values(), 1 - ema_decay(inputs_.options.ema_decay, step_));
  }
}

void Trainer::update_copies(uint32_t refresh) {
  const at::NoGradGuard no_grad;
  const Tensor& values = inputs_.student.parameters().values();
  for (size_t i = 0; i < copies_.size(); ++i) {
    const CopyRule& rule = needs_.copy[i];
    const Tensor& copy = copies_[i]->parameters().values();
    if (rule.kind == CopyRule::kEma) {
      copy.lerp_(values, 1 - ema_decay(rule.decay, step_));
    } else if ((refresh >> i & 1u) || (rule.refresh_every > 0 && (step_ + 1) % rule.refresh_every == 0)) {
      copy.copy_(values);
    }
  }
}

Metrics Trainer::metrics() const {
  Metrics metrics;
  metrics.step = step_;
  metrics.learning_rate = learning_rate(inputs_.options, std::max<int64_t>(0, step_ - 1));
  if (window_steps_ == 0) return metrics;
  const auto steps = static_cast<double>(window_steps_);
  for (const auto& [name, sum] : window_) {
    const double mean = sum.item<double>() / steps;
    if (name == kTotal)
      metrics.loss = mean;
    else
      metrics.terms[name] = mean;
  }
  metrics.gradient_norm = optimizer_.gradient_norm().item<double>();
  return metrics;
}

bool Trainer::finite() const {
  return optimizer_.stopped().item<double>() == 0 &&
         (!loss_optimizer_ || loss_optimizer_->stopped().item<double>() == 0);
}

void Trainer::next_window() {
  window_.clear();
  window_steps_ = 0;
}

std::vector<run::TensorGroup> Trainer::state() const {
  std::vector<run::TensorGroup> groups{{"model", inputs_.student.parameters().named()}};
  if (average_.defined()) groups.push_back({"ema", inputs_.student.parameters().named_in(average_)});
  for (size_t i = 0; i < copies_.size(); ++i) {
    groups.push_back({"copy-" + std::to_string(i), copies_[i]->parameters().named()});
  }
  groups.push_back({"optimizer", optimizer_.named()});
  if (loss_parameters_) {
    groups.push_back({"loss", loss_parameters_->named()});
    groups.push_back({"loss_optimizer", loss_optimizer_->named()});
  }
  return groups;
}

void Trainer::load(const std::vector<run::TensorGroup>& state, int64_t steps_done, const std::string& source) {
  for (const run::TensorGroup& own : this->state()) {
    const auto given =
        std::find_if(state.begin(), state.end(), [&](const run::TensorGroup& g) { return g.name == own.name; });
    if (given == state.end()) {
      throw Error(ErrorKind::checkpoint, "'" + source + "' has no " + own.name +
                                             ".safetensors, which this stage needs: it is of another loss or "
                                             "[train] section; go on with the configuration of that run");
    }
    run::copy_weights(own.tensors, given->tensors, source + "/" + own.name + ".safetensors");
  }
  step_ = steps_done;
}

}  // namespace ttfm::train
