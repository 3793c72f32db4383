// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace ttfm::train {
namespace {

struct Fixture {
  Tensor weight = at::randn({4, 5}), bias = at::randn({6});
  FlatParameters flat = [this] {
    ParameterCollector collector("test");
    collector.parameter("weight", weight, 0);
    collector.parameter("bias", bias, parameter_flag::kNoDecay);
    return FlatParameters(collector, c10::kCPU, true);
  }();
};

config::TrainSection options(double clip) {
  config::TrainSection train;
  train.weight_decay = 0.1;
  train.clip_norm = clip;
  return train;
}

/// The formula of adamw.h in plain loops.
void reference(const config::TrainSection& o, double lr, int step, std::vector<double>& w, std::vector<double> g,
               std::vector<double>& m, std::vector<double>& v, size_t with_decay) {
  double norm = 0;
  for (const double each : g) norm += each * each;
  norm = std::sqrt(norm);
  for (size_t i = 0; i < w.size(); ++i) {
    if (o.clip_norm > 0) g[i] *= std::min(1.0, o.clip_norm / norm);
    m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
    v[i] = o.beta2 * v[i] + (1 - o.beta2) * g[i] * g[i];
    const double m_hat = m[i] / (1 - std::pow(o.beta1, step)), v_hat = v[i] / (1 - std::pow(o.beta2, step));
    w[i] -= lr * ((i < with_decay ? o.weight_decay : 0) * w[i] + m_hat / (std::sqrt(v_hat) + o.eps));
  }
}

class AdamWTest : public testing::TestWithParam<double> {};

TEST_P(AdamWTest, FollowsItsFormula) {
  const at::NoGradGuard no_grad;
  Fixture f;
  const auto o = options(GetParam());
  AdamW adamw(f.flat, o);
  const auto size = static_cast<size_t>(f.flat.values().size(0));
  const float* values = f.flat.values().const_data_ptr<float>();
  std::vector<double> w(values, values + size), m(size), v(size);

  for (int step = 1; step <= 5; ++step) {
    f.flat.gradient().copy_(at::randn({f.flat.values().size(0)}));
    const float* gradient = f.flat.gradient().const_data_ptr<float>();
    reference(o, 0.01 * step, step, w, std::vector<double>(gradient, gradient + size), m, v,
              static_cast<size_t>(f.flat.with_decay()));
    adamw.measure();
    adamw.step(0.01 * step, at::zeros({}));
  }

  for (size_t i = 0; i < size; ++i) EXPECT_NEAR(values[i], w[i], 2e-6);
}

INSTANTIATE_TEST_SUITE_P(Clip, AdamWTest, testing::Values(0.0, 0.5, 100.0));

TEST(AdamW, AMaskedStepChangesNothing) {
  const at::NoGradGuard no_grad;
  Fixture masked, plain;
  plain.flat.values().copy_(masked.flat.values());
  AdamW a(masked.flat, options(0.5)), b(plain.flat, options(0.5));
  const auto step = [](Fixture& f, AdamW& adamw, double gradient, double mask) {
    f.flat.gradient().fill_(gradient);
    adamw.measure();
    adamw.step(0.1, at::full({}, mask, at::kFloat));
  };

  step(masked, a, 1, 0);
  const Tensor before = masked.flat.values().clone();
  step(masked, a, std::numeric_limits<double>::quiet_NaN(), 1);
  EXPECT_TRUE(at::equal(masked.flat.values(), before));

  step(masked, a, 2, 0);
  step(plain, b, 1, 0);
  step(plain, b, 2, 0);
  EXPECT_TRUE(at::equal(masked.flat.values(), plain.flat.values())) << "nor what comes after it";
}

}  // namespace
}  // namespace ttfm::train
