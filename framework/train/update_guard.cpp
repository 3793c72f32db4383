// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/update_guard.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace ttfm::train {
namespace {

constexpr const char* kSkipped = "skipped_steps";
constexpr const char* kRow = "skipped_in_a_row";
constexpr const char* kRowBegan = "skipped_since";

/// A scalar in host memory that is finite; false for anything else.
bool is_finite_on_host(const Tensor& scalar) {
  return scalar.is_cpu() && scalar.scalar_type() == at::kFloat && std::isfinite(*scalar.const_data_ptr<float>());
}

}  // namespace

UpdateGuard::UpdateGuard(int64_t most_skipped, c10::Device device) : most_skipped_(most_skipped) {
  const at::NoGradGuard no_grad;
  const at::TensorOptions options = at::TensorOptions().device(device);
  masked_ = at::zeros({}, options.dtype(at::kFloat));
  stopped_ = at::zeros({}, options.dtype(at::kBool));
  skipped_ = at::zeros({}, options.dtype(at::kLong));
  row_ = skipped_.clone();
  row_began_ = skipped_.clone();
}

void UpdateGuard::judge(int64_t step, const Tensor& loss, at::ArrayRef<Tensor> norms) {
  if (passes_on_host(loss, norms)) return;
  const at::NoGradGuard no_grad;
  Tensor finite = at::isfinite(loss);
  for (const Tensor& norm : norms) finite = finite.logical_and(at::isfinite(norm));
  const Tensor bad = finite.logical_not().logical_and(stopped_.logical_not());
  row_began_ = at::where(bad.logical_and(row_ == 0), step, row_began_);
  row_ = at::where(stopped_, row_, (row_ + bad) * bad);
  skipped_ = skipped_ + bad;
  stopped_ = stopped_.logical_or(row_ > most_skipped_);
  masked_ = bad.logical_or(stopped_).to(at::kFloat);
}

/// The ordinary step on the CPU, where nothing changes but what the step before left: the rest of judge() is twenty
/// operations on scalars.
bool UpdateGuard::passes_on_host(const Tensor& loss, at::ArrayRef<Tensor> norms) const {
  if (!masked_.is_cpu() || *stopped_.const_data_ptr<bool>() || *row_.const_data_ptr<int64_t>() != 0) return false;
  return is_finite_on_host(loss) && std::all_of(norms.begin(), norms.end(), is_finite_on_host);
}

std::optional<bool> UpdateGuard::masked_on_host() const {
  if (!masked_.is_cpu()) return std::nullopt;
  return *masked_.const_data_ptr<float>() != 0;
}

int64_t UpdateGuard::skipped() const { return skipped_.item<int64_t>(); }

std::optional<int64_t> UpdateGuard::stopped_at() const {
  if (!stopped_.item<bool>()) return std::nullopt;
  return row_began_.item<int64_t>();
}

std::map<std::string, int64_t> UpdateGuard::counters() const {
  return {{kSkipped, skipped()}, {kRow, row_.item<int64_t>()}, {kRowBegan, row_began_.item<int64_t>()}};
}

void UpdateGuard::load(const std::map<std::string, int64_t>& counters) {
  const at::NoGradGuard no_grad;
  const auto take = [&](const char* name, const Tensor& into) {
    const auto found = counters.find(name);
    into.fill_(found == counters.end() ? 0 : found->second);
  };
  take(kSkipped, skipped_);
  take(kRow, row_);
  take(kRowBegan, row_began_);
}

}  // namespace ttfm::train
