// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/shadow_weights.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/as_strided.h>

#include <algorithm>
#include <shared_mutex>
#include <vector>

#include <ttfm/weight_in.h>

namespace ttfm {
namespace {

std::shared_mutex registry_mutex;
std::vector<ShadowWeights*>& registry() {
  static std::vector<ShadowWeights*> all;
  return all;
}

}  // namespace

ShadowWeights::ShadowWeights(const Tensor& values, at::ScalarType type)
    : original_(values), shadow_(values.to(type)), version_(values._version()) {
  const std::unique_lock lock(registry_mutex);
  registry().push_back(this);
}

ShadowWeights::~ShadowWeights() {
  const std::unique_lock lock(registry_mutex);
  std::erase(registry(), this);
}

void ShadowWeights::current() { version_ = original_._version(); }

bool ShadowWeights::holds(const Tensor& weight, at::ScalarType type) const {
  return shadow_.scalar_type() == type && weight.is_alias_of(original_) &&
         weight.scalar_type() == original_.scalar_type();
}

Tensor ShadowWeights::view_for(const Tensor& weight) {
  {
    const std::lock_guard lock(mutex_);
    if (version_ != original_._version()) {
      shadow_.copy_(original_);
      current();
    }
  }
  const int64_t offset = weight.storage_offset() - original_.storage_offset() + shadow_.storage_offset();
  return at::as_strided(shadow_, weight.sizes(), weight.strides(), offset);
}

Tensor weight_in(const Tensor& weight, at::ScalarType type) {
  if (weight.scalar_type() == type) return weight;
  const at::NoGradGuard no_grad;
  const std::shared_lock lock(registry_mutex);
  for (ShadowWeights* shadow : registry()) {
    if (shadow->holds(weight, type)) return shadow->view_for(weight);
  }
  return weight.to(type);
}

}  // namespace ttfm
