// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/watch.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/var.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <numeric>
#include <vector>

#include "config/sections.h"
#include "pipeline/sampling.h"
#include "train/batches.h"

namespace ttfm::pipeline {
namespace {

constexpr double kExplosion = 10;  // times the lowest window's mean
constexpr int kWindows = 3;        // in a row: a single one may be chance
constexpr int64_t kSamples = 64;
constexpr double kCollapse = 0.05;  // of the data's variance

std::string short_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

double mean_variance(const at::Tensor& x) {
  return x.flatten(1).to(at::kDouble).var(/*dim=*/at::IntArrayRef{0}, /*unbiased=*/true).mean().item<double>();
}

}  // namespace

std::string LossWatch::look(double loss) {
  if (!std::isfinite(loss)) return "";
  lowest_ = std::min(lowest_, loss);
  high_ = lowest_ > 0 && loss > kExplosion * lowest_ ? high_ + 1 : 0;
  if (high_ < kWindows || told_) return "";
  told_ = true;
  return "the loss is " + short_text(loss) + ", it was " + short_text(lowest_) +
         " before: the training diverges. A lower lr or clip_norm = 1 may help";
}

std::string collapse(const at::Tensor& samples, const at::Tensor& data) {
  const double ratio = mean_variance(samples) / mean_variance(data);
  if (!(ratio < kCollapse)) return "";
  return "the samples have collapsed: their variance is " + short_text(ratio) + " of that of the data";
}

std::function<std::string()> sample_watch(const Assembly& assembly, const train::Network& student) {
  const auto evaluations = config::read_section<config::EvalSection>(assembly.config().at("eval")).evaluations;
  const int64_t most = *std::max_element(evaluations.begin(), evaluations.end()), size = assembly.data().size[0];
  const int64_t count = size < 0 ? kSamples : std::min(kSamples, size);
  if (count < 2) return nullptr;
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  const train::Batch data = train::read_batch(assembly.dataset(), Split::train, indices, /*key=*/0, assembly.device());
  const auto sampler = std::make_shared<NamedSampler>(assembly.sampler("sampler"));
  return [&assembly, &student, data, sampler, most] {
    Call call;
    if (student.traits().classes > 0) call.label = data.label;
    const Tensor x_0 = assembly.stream("watch noise").normal(data.x_1.sizes());
    const SampledBy by{*sampler->sampler, sampler->name, nullptr, &student.flow_map(), student.map().evaluations()};
    return collapse(draw(by, x_0, call, assembly.stream("watch"), most).x_1, data.x_1);
  };
}

}  // namespace ttfm::pipeline
