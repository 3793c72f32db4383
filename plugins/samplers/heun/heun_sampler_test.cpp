// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "heun_sampler.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>

namespace ttfm::sampler {
namespace {

using namespace ttfm::conformance;

TEST(HeunSampler, ErrorOfTheEndpointFallsWithOrder2) {
  const flow::Gaussian exact = oracle({3, 4, 4});
  const TestField field = exact_field(exact);
  const Tensor x_0 = noise(4, {3, 4, 4});
  const auto error = [&](int64_t evaluations) {
    const Trajectory path = sample(HeunSampler(), x_0, evaluations, field.facade());
    return max_difference(path.back().second, exact.map(x_0, times(4, 0), times(4, 1)));
  };

  EXPECT_NEAR(std::log2(error(400) / error(800)), 2, 0.05);
}

TEST(HeunSampler, SpendsTheEvaluationsItIsGivenAndEndsAtOne) {
  const flow::Gaussian exact = oracle();
  const Tensor x_0 = noise(1, {2});
  for (const int64_t steps : {1, 3, 49}) {
    const TestField field = exact_field(exact);

    const Trajectory path = sample(HeunSampler(), x_0, 2 * steps, field.facade());

    EXPECT_EQ(field.calls(), 2 * steps);
    EXPECT_EQ(static_cast<int64_t>(path.size()), steps + 1);
    EXPECT_EQ(path.front().first, 0.0);
    EXPECT_EQ(path.back().first, 1.0);
  }
}

TEST(HeunSampler, MakesOneStepOfAnyNumberBelowTwo) {
  const TestField field = exact_field(oracle());

  EXPECT_EQ(sample(HeunSampler(), noise(1, {2}), 1, field.facade()).size(), 2u);
}

TEST(HeunSampler, SaysWhatItWorksOn) {
  SamplerTraits traits;
  HeunSampler().traits(traits);

  EXPECT_TRUE(traits.field && !traits.flow_map && !traits.adaptive);
  EXPECT_EQ(traits.evaluations_per_step, 2);
}

}  // namespace
}  // namespace ttfm::sampler
