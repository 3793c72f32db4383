// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/flow/flow_map.h>
#include <ttfm/flow/interpolate.h>
#include <ttfm/flow/time_grid.h>

namespace ttfm::flow {
namespace {

using namespace ttfm::conformance;

TEST(Path, RunsFromNoiseToData) {
  const Tensor x_0 = noise(3, {3, 4, 4}), x_1 = data(oracle({3, 4, 4}), 3, {3, 4, 4});

  EXPECT_EQ(max_difference(interpolate(x_0, x_1, times(3, 0)), x_0), 0);
  EXPECT_LT(max_difference(interpolate(x_0, x_1, times(3, 1)), x_1), 1e-15);
  EXPECT_LT(max_difference(interpolate(x_0, x_1, times(3, 0.25)), 0.75 * x_0 + 0.25 * x_1), 1e-15);
}

TEST(Path, EachRowHasItsOwnTime) {
  const Tensor x = noise(2, {3, 4, 4}), t = at::tensor({0.5, 1.0}, at::kDouble);

  const Tensor moved = advance(x, times(2, 0), t, at::full_like(x, 2));

  EXPECT_LT(max_difference(moved[0], x[0] + 1), 1e-15);
  EXPECT_LT(max_difference(moved[1], x[1] + 2), 1e-15);
}

TEST(Path, DistancesAreMeansOverTheElementsOfARow) {
  const Tensor a = at::tensor({3.0, 0.0, 1.0, -1.0}, at::kDouble).view({2, 1, 2, 1});

  EXPECT_EQ(max_difference(square_error(a, a - a), at::tensor({4.5, 1.0}, at::kDouble)), 0);
  // 2 * 3 - 1 = 5 for the element beyond delta = 1, the square for the others
  EXPECT_EQ(max_difference(huber_error(a, a - a, 1), at::tensor({2.5, 1.0}, at::kDouble)), 0);
}

TEST(TerminalVelocity, OfTheExactMapIsTheTeachersVelocityWhereItEnds) {
  const Gaussian exact = oracle();
  const PerturbedStudent student(exact, {2}, 0);
  const TestMap map = student.map();
  const Tensor x = noise(5, {2}), s = times(5, 0.3), t = times(5, 0.8);

  const Dual u = time_derivative(map.facade(), x, s, t, {});

  EXPECT_LT(max_difference(terminal_velocity(u, s, t), exact.velocity(exact.map(x, s, t), t)), 1e-13);
}

TEST(TimeDifference, AgreesWithTheDerivativeInsideAndAtTheEdges) {
  const PerturbedStudent student(oracle(), {2}, 1);
  const TestMap map = student.map();
  const Tensor x = noise(4, {2});
  const Tensor s = at::tensor({0.0, 0.3, 0.4, 1.0}, at::kDouble), t = at::tensor({0.5, 0.3, 1.0, 1.0}, at::kDouble);

  const Dual exact = time_derivative(map.facade(), x, s, t, {});
  const Dual difference = time_difference(map.facade(), x, s, t, {});

  EXPECT_LT(max_difference(difference.primal, exact.primal), 1e-14);
  EXPECT_LT(max_difference(difference.tangent[0], exact.tangent[0]), 1e-8);                            // central
  EXPECT_LT(max_difference(difference.tangent.narrow(0, 1, 2), exact.tangent.narrow(0, 1, 2)), 1e-3);  // one-sided
  EXPECT_EQ(difference.tangent[3].abs().max().item<double>(), 0);  // s = t = 1: no room
}

TEST(TimeGrid, EndsAtExactlyOne) {
  for (const int64_t steps : {1, 3, 7, 49, 1000}) EXPECT_EQ(uniform_grid(steps).back(), 1.0);
}

TEST(TimeGrid, KeepsTheShapeOfAnotherGrid) {
  const std::vector<double> shape = {0, 0.1, 1};

  EXPECT_EQ(resampled_grid(shape, 2), shape);
  EXPECT_EQ(resampled_grid(shape, 1), (std::vector<double>{0, 1}));
  EXPECT_EQ(resampled_grid(shape, 4), (std::vector<double>{0, 0.05, 0.1, 0.55, 1}));
  EXPECT_EQ(resampled_grid({0, 1}, 5), uniform_grid(5));
}

}  // namespace
}  // namespace ttfm::flow
