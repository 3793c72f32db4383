// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "dopri5_sampler.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/flow/gaussian_mixture.h>

namespace ttfm::sampler {
namespace {

using namespace ttfm::conformance;

constexpr int64_t kPlenty = 100000;

Dopri5Sampler with_tolerance(double tolerance) {
  Dopri5Sampler::Options options;
  options.rtol = options.atol = tolerance;
  return Dopri5Sampler(options);
}

TEST(Dopri5Sampler, MeetsItsTolerance) {
  const flow::Gaussian exact = oracle({3, 4, 4});
  const TestField field = exact_field(exact);
  const Tensor x_0 = noise(4, {3, 4, 4}), x_1 = exact.map(x_0, times(4, 0), times(4, 1));

  for (const double tolerance : {1e-3, 1e-6, 1e-9, 1e-12}) {
    const Trajectory path = sample(with_tolerance(tolerance), x_0, kPlenty, field.facade());

    EXPECT_LT(max_difference(path.back().second, x_1), 10 * tolerance);
    EXPECT_EQ(path.back().first, 1.0);
  }
}

TEST(Dopri5Sampler, EvaluationsGrowWithTheFifthRootOfTheTolerance) {
  const flow::Gaussian exact = oracle();
  const auto evaluations = [&](double tolerance) {
    const TestField field = exact_field(exact);
    sample(with_tolerance(tolerance), noise(16, {2}), kPlenty, field.facade());
    return static_cast<double>(field.calls());
  };

  // 10^(2/5); with a wrong coefficient the estimate is of a lower order, 10^(2/4) and more
  EXPECT_NEAR(evaluations(1e-12) / evaluations(1e-10), 2.51, 0.3);
}

TEST(Dopri5Sampler, EverySampleMeetsTheToleranceWhateverItsBatch) {
  const flow::GaussianMixture exact = flow::GaussianMixture::from(flow::expand({}));
  const TestField field([&](const Tensor& x, const Tensor& t, const Call&) { return exact.velocity(x, t); });
  const Tensor x_0 = noise(64, {2});

  const Tensor together = sample(with_tolerance(1e-7), x_0, kPlenty, field.facade()).back().second;
  const Tensor alone = sample(with_tolerance(1e-12), x_0.narrow(0, 7, 1), kPlenty, field.facade()).back().second;

  EXPECT_LT(max_difference(together.narrow(0, 7, 1), alone), 1e-5);
}

TEST(Dopri5Sampler, ReusesTheLastStageOfAStep) {
  const TestField field = exact_field(oracle());

  const Trajectory path = sample(with_tolerance(1e-3), noise(1, {2}), kPlenty, field.facade());

  // the first evaluation, then six for each step, accepted (a point) or not
  EXPECT_EQ((field.calls() - 1) % 6, 0);
  EXPECT_GE((field.calls() - 1) / 6, static_cast<int64_t>(path.size()) - 1);
  for (size_t i = 1; i < path.size(); ++i) EXPECT_GT(path[i].first, path[i - 1].first);
}

TEST(Dopri5Sampler, StopsWhereItsEvaluationsEnd) {
  const TestField field = exact_field(oracle());

  const std::string text = error_text([&] { sample(with_tolerance(1e-9), noise(4, {2}), 100, field.facade()); });

  EXPECT_EQ(field.calls(), 100);
  EXPECT_EQ(text.rfind("dopri5: 100 evaluations of the teacher reach only t = 0.", 0), 0u) << text;
  EXPECT_NE(text.find(" at rtol = 1e-09 and atol = 1e-09; allow more evaluations or larger tolerances"),
            std::string::npos)
      << text;
}

TEST(Dopri5Sampler, SaysWhereAVelocityIsNotFinite) {
  const TestField field([](const Tensor& x, const Tensor&, const Call&) { return at::full_like(x, NAN); });

  EXPECT_EQ(error_text([&] { sample(with_tolerance(1e-5), noise(4, {2}), kPlenty, field.facade()); }),
            "dopri5: the teacher's velocity is not finite near t = 0");
}

TEST(Dopri5Sampler, SaysWhatItWorksOn) {
  SamplerTraits traits;
  with_tolerance(1e-5).traits(traits);

  EXPECT_TRUE(traits.field && !traits.flow_map && traits.adaptive);
}

}  // namespace
}  // namespace ttfm::sampler
