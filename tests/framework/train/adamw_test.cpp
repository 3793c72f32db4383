// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/adamw.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/isa.h"

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
    UpdateGuard guard(1, c10::kCPU);
    guard.judge(step, at::zeros({}), {adamw.measure()});
    adamw.step(0.01 * step, guard, {});
    EXPECT_EQ(f.flat.gradient().abs().max().item<float>(), 0) << "left zero for the next step";
  }

  for (size_t i = 0; i < size; ++i) EXPECT_NEAR(values[i], w[i], 2e-6);
}

INSTANTIATE_TEST_SUITE_P(Clip, AdamWTest, testing::Values(0.0, 0.5, 100.0));

TEST(AdamW, AMaskedStepChangesNothing) {
  const at::NoGradGuard no_grad;
  Fixture masked, plain;
  plain.flat.values().copy_(masked.flat.values());
  AdamW a(masked.flat, options(0.5)), b(plain.flat, options(0.5));
  const Tensor average = at::zeros_like(masked.flat.values());
  const auto step = [&](Fixture& f, AdamW& adamw, double gradient) {
    f.flat.gradient().fill_(gradient);
    UpdateGuard guard(1, c10::kCPU);
    guard.judge(0, at::zeros({}), {adamw.measure()});
    adamw.step(0.1, guard, {{average, nullptr, 0.5}});
  };

  step(masked, a, 1);
  const Tensor before = masked.flat.values().clone(), average_before = average.clone();
  step(masked, a, std::numeric_limits<double>::quiet_NaN());
  EXPECT_TRUE(at::equal(masked.flat.values(), before));
  EXPECT_TRUE(at::equal(average, average_before));

  step(masked, a, 2);
  step(plain, b, 1);
  step(plain, b, 2);
  EXPECT_TRUE(at::equal(masked.flat.values(), plain.flat.values())) << "nor what comes after it";
}

class AdamWIsaTest : public testing::TestWithParam<kernels::Isa> {
 protected:
  void SetUp() override {
    if (!kernels::supported(GetParam())) GTEST_SKIP() << "this processor has no " << kernels::name(GetParam());
    kernels::use(GetParam());
  }
  void TearDown() override { kernels::use(std::nullopt); }
};

TEST_P(AdamWIsaTest, AveragesAndCopiesIn16BitsFollowTheWeightsInTheSamePass) {
  const at::NoGradGuard no_grad;
  Fixture f;
  f.flat.compute_in(at::kBFloat16);
  const Tensor first = at::randn_like(f.flat.values()), second = at::randn_like(f.flat.values());
  const Tensor first_before = first.clone(), second_before = second.clone(), before = f.flat.values().clone();
  ShadowWeights shadow(second, at::kBFloat16);
  AdamW adamw(f.flat, options(0));
  f.flat.gradient().copy_(at::randn({f.flat.values().size(0)}));
  UpdateGuard guard(1, c10::kCPU);
  guard.judge(0, at::zeros({}), {adamw.measure()});

  adamw.step(0.1, guard, {{first, nullptr, 0.25}, {second, &shadow, 0.75}});

  EXPECT_FALSE(at::equal(f.flat.values(), before));
  EXPECT_TRUE(at::allclose(first, at::lerp(first_before, f.flat.values(), 0.25), 1e-6, 1e-6));
  EXPECT_TRUE(at::allclose(second, at::lerp(second_before, f.flat.values(), 0.75), 1e-6, 1e-6));
  EXPECT_TRUE(at::equal(f.flat.shadow()->values(), f.flat.values().to(at::kBFloat16)));
  EXPECT_TRUE(at::equal(shadow.values(), second.to(at::kBFloat16)));
}

TEST_P(AdamWIsaTest, TheNormIsThatOfAllNumbersAndSaysWhereOneIsNotFinite) {
  const at::NoGradGuard no_grad;
  Fixture f;
  AdamW adamw(f.flat, options(0));
  f.flat.gradient().copy_(at::randn({f.flat.values().size(0)}));
  EXPECT_NEAR(adamw.measure().item<double>(), at::linalg_vector_norm(f.flat.gradient().to(at::kDouble)).item<double>(),
              1e-6);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    f.flat.gradient().select(0, f.flat.gradient().size(0) - 1).fill_(bad);
    EXPECT_FALSE(std::isfinite(adamw.measure().item<double>()));
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, AdamWIsaTest,
                         testing::Values(kernels::Isa::plain, kernels::Isa::avx2, kernels::Isa::avx512,
                                         kernels::Isa::avx512_bf16, kernels::Isa::amx),
                         [](const auto& tested) { return kernels::name(tested.param); });

}  // namespace
}  // namespace ttfm::train
