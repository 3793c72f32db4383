// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <cmath>

#include <ttfm/parallel.h>

#include "kernels/adamw.h"

namespace ttfm::train {
namespace {

constexpr int64_t kPart = 1 << 16;  // numbers that a thread takes at a time

kernels::Bf16* copy_in_16_bits(const ShadowWeights* shadow) {
  return shadow ? static_cast<kernels::Bf16*>(shadow->values().mutable_data_ptr()) : nullptr;
}

/// f(from, to) over [begin, end), in parts that do not depend on the threads.
template <class F>
void over_parts(int64_t begin, int64_t end, F&& f) {
  const int64_t parts = (end - begin + kPart - 1) / kPart;
  parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) f(begin + i * kPart, std::min(end, begin + (i + 1) * kPart), i);
  });
}

/// Says that the numbers of a tensor were changed through a pointer.
void changed(const Tensor& values, ShadowWeights* shadow) {
  torch::autograd::impl::bump_version(values);
  if (shadow) shadow->current();
}

}  // namespace

void follow(const Tensor& to, const Tensor& from, double weight, const UpdateGuard& guard) {
  if (const std::optional<bool> masked = guard.masked_on_host()) {
    if (!*masked) to.lerp_(from, weight);
  } else {
    to.lerp_(from, weight * (1 - guard.masked()));
  }
}

AdamW::AdamW(FlatParameters& parameters, const config::TrainSection& options)
    : parameters_(parameters), options_(options) {
  const at::NoGradGuard no_grad;
  first_ = at::zeros_like(parameters.values());
  second_ = at::zeros_like(parameters.values());
  count_ = at::zeros({}, parameters.values().options());
}

bool AdamW::in_host_memory() const { return parameters_.values().is_cpu(); }

const Tensor& AdamW::measure() {
  const at::NoGradGuard no_grad;
  const Tensor& gradient = parameters_.gradient();
  if (!in_host_memory()) {
    gradient_norm_ = at::linalg_vector_norm(gradient);
    return gradient_norm_;
  }
  const int64_t length = gradient.size(0);
  std::vector<double> squares(static_cast<size_t>((length + kPart - 1) / kPart));
  over_parts(0, length, [&](int64_t from, int64_t to, int64_t part) {
    kernels::dispatch<kernels::AdamWLoops>([&](auto loops) {
      squares[static_cast<size_t>(part)] = loops.squares(gradient.const_data_ptr<float>(), from, to);
    });
  });
  double total = 0;
  for (const double each : squares) total += each;
  gradient_norm_ = at::empty({}, gradient.options());
  *gradient_norm_.mutable_data_ptr<float>() = static_cast<float>(std::sqrt(total));
  return gradient_norm_;
}

void AdamW::step(double lr, const UpdateGuard& guard, const std::vector<Average>& averages) {
  const at::NoGradGuard no_grad;
  if (in_host_memory()) {
    if (guard.masked_on_host() == false) step_in_one_pass(lr, averages);
    return;
  }
  count_ += 1 - guard.masked();

  // the fused kernel divides the gradient by this
  std::optional<Tensor> scale;
  if (options_.clip_norm > 0) scale = (gradient_norm_ / options_.clip_norm).clamp_min(1);

  const int64_t with_decay = parameters_.with_decay(), length = parameters_.values().size(0);
  const auto update = [&](int64_t from, int64_t to, double decay) {
    if (from == to) return;
    const auto part = [&](const Tensor& flat) { return flat.narrow(0, from, to - from); };
    at::_fused_adamw_({part(parameters_.values())}, {part(parameters_.gradient())}, {part(first_)}, {part(second_)}, {},
                      {count_}, lr, options_.beta1, options_.beta2, decay, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false, scale, guard.masked());
  };
  update(0, with_decay, options_.weight_decay);
  update(with_decay, length, 0);
  torch::autograd::impl::bump_version(parameters_.values());  // the fused kernel does not
  for (const Average& average : averages) follow(average.values, parameters_.values(), average.weight, guard);
}

void AdamW::step_in_one_pass(double lr, const std::vector<Average>& averages) {
  RECORD_FUNCTION("ttfm::adamw", c10::ArrayRef<const c10::IValue>());
  const double count = static_cast<double>(*count_.mutable_data_ptr<float>() += 1);
  ShadowWeights* const shadow = parameters_.shadow();
  kernels::AdamWStretch stretch;
  stretch.w = parameters_.values().mutable_data_ptr<float>();
  stretch.g = parameters_.gradient().mutable_data_ptr<float>();
  stretch.m = first_.mutable_data_ptr<float>();
  stretch.v = second_.mutable_data_ptr<float>();
  stretch.w_16 = copy_in_16_bits(shadow);
  stretch.beta_1 = static_cast<float>(options_.beta1);
  stretch.beta_2 = static_cast<float>(options_.beta2);
  stretch.rest_1 = static_cast<float>(1 - options_.beta1);
  stretch.rest_2 = static_cast<float>(1 - options_.beta2);
  stretch.eps = static_cast<float>(options_.eps);
  stretch.step = static_cast<float>(lr / (1 - std::pow(options_.beta1, count)));
  stretch.root = static_cast<float>(std::sqrt(1 - std::pow(options_.beta2, count)));
  const float norm = *gradient_norm_.const_data_ptr<float>();
  if (options_.clip_norm > 0) stretch.scale = std::min(1.f, static_cast<float>(options_.clip_norm) / norm);
  if (!averages.empty()) {
    stretch.average = averages[0].values.mutable_data_ptr<float>();
    stretch.average_16 = copy_in_16_bits(averages[0].shadow);
    stretch.average_weight = static_cast<float>(averages[0].weight);
  }

  const auto update = [&](int64_t begin, int64_t end, double decay) {
    stretch.lr_decay = static_cast<float>(lr * decay);
    over_parts(begin, end, [&](int64_t from, int64_t to, int64_t) {
      kernels::dispatch<kernels::AdamWLoops>([&](auto loops) {
        loops.update(stretch, from, to);
        for (size_t i = 1; i < averages.size(); ++i) {
          loops.follow(stretch.w, averages[i].values.template mutable_data_ptr<float>(),
                       copy_in_16_bits(averages[i].shadow), static_cast<float>(averages[i].weight), from, to);
        }
      });
    });
  };
  update(0, parameters_.with_decay(), options_.weight_decay);
  update(parameters_.with_decay(), parameters_.values().size(0), 0);

  parameters_.gradient_is_clear();
  changed(parameters_.values(), shadow);
  for (const Average& average : averages) changed(average.values, average.shadow);
}

std::vector<NamedTensor> AdamW::named() const {
  return {{"first", parameters_.row_by_row(first_)}, {"second", parameters_.row_by_row(second_)}, {"count", count_}};
}

void AdamW::load(const std::vector<NamedTensor>& state) {
  for (const NamedTensor& each : state) {
    if (each.name == "first") parameters_.from_row_by_row(each.value, first_);
    if (each.name == "second") parameters_.from_row_by_row(each.value, second_);
    if (each.name == "count") count_.copy_(each.value);
  }
}

}  // namespace ttfm::train
