// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "flow_map_sampler.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>

namespace ttfm::sampler {
namespace {

using namespace ttfm::conformance;

FlowMapSampler with_grid(const std::vector<double>& grid) {
  FlowMapSampler::Options options;
  options.grid = grid;
  return FlowMapSampler(options);
}

TEST(FlowMapSampler, WithTheExactMapIsExactInAnyNumberOfJumps) {
  const flow::Gaussian exact = oracle({3, 4, 4});
  const PerturbedStudent student(exact, {3, 4, 4}, 0);
  const Tensor x_0 = noise(3, {3, 4, 4}), x_1 = exact.map(x_0, times(3, 0), times(3, 1));
  for (const int64_t evaluations : {1, 2, 3, 4, 8, 16, 49}) {
    const TestMap map = student.map();

    const Trajectory path = sample(FlowMapSampler({}), x_0, evaluations, map.facade());

    EXPECT_LT(max_difference(path.back().second, x_1), 1e-13);
    EXPECT_EQ(path.back().first, 1.0);
    EXPECT_EQ(map.calls(), evaluations);
    EXPECT_EQ(static_cast<int64_t>(path.size()), evaluations + 1);
  }
}

TEST(FlowMapSampler, GivesEveryPointOfTheTrajectory) {
  const flow::Gaussian exact = oracle();
  const TestMap map = PerturbedStudent(exact, {2}, 0).map();
  const Tensor x_0 = noise(1, {2});

  const Trajectory path = sample(with_grid({0, 0.1, 0.6, 1}), x_0, 3, map.facade());

  ASSERT_EQ(path.size(), 4u);
  EXPECT_EQ(path[1].first, 0.1);
  EXPECT_EQ(path[2].first, 0.6);
  for (const auto& [t, x] : path) EXPECT_LT(max_difference(x, exact.map(x_0, times(1, 0), times(1, t))), 1e-14);
}

TEST(FlowMapSampler, OtherNumbersOfJumpsKeepTheGridsSpacing) {
  const TestMap map = PerturbedStudent(oracle(), {2}, 0).map();

  const Trajectory path = sample(with_grid({0, 0.1, 1}), noise(1, {2}), 4, map.facade());

  EXPECT_EQ(path[1].first, 0.05);
  EXPECT_EQ(path[2].first, 0.1);
  EXPECT_EQ(path[3].first, 0.55);
}

TEST(FlowMapSampler, RefusesGridsThatDoNotRiseFromZeroToOne) {
  const std::string rule = "; a time grid rises from 0 (noise) to 1 (data), as in [0, 0.5, 1]";

  EXPECT_EQ(error_text([] { with_grid({0, 1.2, 1}); }), "flow_map: grid[1] = 1.2 lies outside [0, 1]" + rule);
  EXPECT_EQ(error_text([] { with_grid({-0.5, 1}); }), "flow_map: grid[0] = -0.5 lies outside [0, 1]" + rule);
  EXPECT_EQ(error_text([] { with_grid({0, NAN, 1}); }), "flow_map: grid[1] = nan lies outside [0, 1]" + rule);
  EXPECT_EQ(error_text([] {
              with_grid({0, 0.5, 0.5, 1});
            }),
            "flow_map: grid[2] = 0.5 does not lie after grid[1]" + rule);
  EXPECT_EQ(error_text([] { with_grid({0.1, 1}); }), "flow_map: the first time of grid is 0.1, not 0" + rule);
  EXPECT_EQ(error_text([] { with_grid({0, 0.9}); }), "flow_map: the last time of grid is 0.9, not 1" + rule);
  EXPECT_EQ(error_text([] { with_grid({1}); }), "flow_map: grid has one time" + rule);
}

TEST(FlowMapSampler, SaysWhatItWorksOn) {
  SamplerTraits traits;
  FlowMapSampler({}).traits(traits);

  EXPECT_TRUE(!traits.field && traits.flow_map && !traits.adaptive);
  EXPECT_EQ(traits.evaluations_per_step, 1);
}

}  // namespace
}  // namespace ttfm::sampler
