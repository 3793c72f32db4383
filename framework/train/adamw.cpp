// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

namespace ttfm::train {

AdamW::AdamW(FlatParameters& parameters, const config::TrainSection& options)
    : parameters_(parameters), options_(options) {
  const at::NoGradGuard no_grad;
  first_ = at::zeros_like(parameters.values());
  second_ = at::zeros_like(parameters.values());
  count_ = at::zeros({}, parameters.values().options());
}

const Tensor& AdamW::measure() {
  const at::NoGradGuard no_grad;
  gradient_norm_ = at::linalg_vector_norm(parameters_.gradient());
  return gradient_norm_;
}

void AdamW::step(double lr, const Tensor& masked) {
  const at::NoGradGuard no_grad;
  count_ += 1 - masked;

  // the fused kernel divides the gradient by this
  std::optional<Tensor> scale;
  if (options_.clip_norm > 0) scale = (gradient_norm_ / options_.clip_norm).clamp_min(1);

  const int64_t with_decay = parameters_.with_decay(), length = parameters_.values().size(0);
  const auto update = [&](int64_t from, int64_t to, double decay) {
    if (from == to) return;
    const auto part = [&](const Tensor& flat) { return flat.narrow(0, from, to - from); };
    at::_fused_adamw_({part(parameters_.values())}, {part(parameters_.gradient())}, {part(first_)}, {part(second_)}, {},
                      {count_}, lr, options_.beta1, options_.beta2, decay, options_.eps, /*amsgrad=*/false,
                      /*maximize=*/false, scale, masked);
  };
  update(0, with_decay, options_.weight_decay);
  update(with_decay, length, 0);
}

std::vector<NamedTensor> AdamW::named() const { return {{"first", first_}, {"second", second_}, {"count", count_}}; }

}  // namespace ttfm::train
