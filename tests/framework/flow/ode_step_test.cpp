// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/flow/ode_step.h>

namespace ttfm::flow {
namespace {

using namespace ttfm::conformance;

struct Case {
  Integrator integrator;
  double order;
  int64_t evaluations;
};

class OdeStep : public ::testing::TestWithParam<Case> {};

TEST_P(OdeStep, ErrorOfTheMeanVelocityFallsWithItsOrder) {
  const Gaussian exact = oracle({3, 4, 4});
  const TestField v = exact_field(exact);
  const Tensor x = noise(4, {3, 4, 4}), r = times(4, 0.5);
  const auto error = [&](double h) {
    const Tensor t = r + h;
    const Tensor v_bar = mean_velocity(GetParam().integrator, v.facade(), x, r, t, {});
    return max_difference(v_bar, exact.average_velocity(x, r, t));
  };

  const double rate = std::log2(error(0.04) / error(0.02));

  EXPECT_NEAR(rate, GetParam().order, 0.25);
}

TEST_P(OdeStep, OfNoLengthIsTheVelocity) {
  const Gaussian exact = oracle();
  const TestField v = exact_field(exact);
  const Tensor x = noise(4, {2}), t = times(4, 0.4);

  EXPECT_LT(max_difference(mean_velocity(GetParam().integrator, v.facade(), x, t, t, {}), exact.velocity(x, t)), 1e-15);
}

TEST_P(OdeStep, SparesTheEvaluationThatTheCallerHas) {
  const Gaussian exact = oracle();
  const TestField v = exact_field(exact);
  const Tensor x = noise(4, {2}), r = times(4, 0.4), t = times(4, 0.6);

  const Tensor all = mean_velocity(GetParam().integrator, v.facade(), x, r, t, {});
  EXPECT_EQ(v.calls(), GetParam().evaluations);

  const Tensor v_r = exact.velocity(x, r);
  EXPECT_EQ(max_difference(mean_velocity(GetParam().integrator, v.facade(), x, r, t, {}, v_r), all), 0);
  EXPECT_EQ(v.calls(), 2 * GetParam().evaluations - 1);
}

INSTANTIATE_TEST_SUITE_P(All, OdeStep,
                         ::testing::Values(Case{Integrator::euler, 1, 1}, Case{Integrator::heun, 2, 2},
                                           Case{Integrator::rk4, 4, 4}),
                         [](const auto& each) { return "Order" + std::to_string(static_cast<int>(each.param.order)); });

}  // namespace
}  // namespace ttfm::flow
