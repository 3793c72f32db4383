// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/conformance/oracle.h>
#include <ttfm/flow/gaussian.h>
#include <ttfm/flow/gaussian_mixture.h>
#include <ttfm/flow/placed.h>

namespace ttfm::flow {
namespace {

using namespace ttfm::conformance;

/// Three components in 1-D that share nothing: a dropped weight, mean or scale changes the velocity.
GaussianMixtureOptions three_components() {
  GaussianMixtureOptions options;
  options.means = {{-2, 0.5, 1.5}, 3};
  options.weights = {6, 3, 1};
  options.sigmas = {0.6, 0.3, 0.9};
  return options;
}

/// v_t(x) = (E[x_1 | x_t = x] - x)/(1-t), the expectation by the trapezoidal rule over the data's density: nothing but
/// Bayes' formula, and no closed form of a product of Gaussians.
double velocity_by_integration(const GaussianMixtureTable& table, double x, double t) {
  double mass = 0, moment = 0;
  for (double y = -12; y <= 12; y += 1e-3) {
    double density = 0;
    for (size_t k = 0; k < table.weights.size(); ++k) {
      const double z = (y - table.means[k]) / table.sigmas[k];
      density += table.weights[k] * std::exp(-0.5 * z * z) / table.sigmas[k];
    }
    const double z = (x - t * y) / (1 - t);
    const double joint = density * std::exp(-0.5 * z * z);
    mass += joint;
    moment += joint * y;
  }
  return (moment / mass - x) / (1 - t);
}

TEST(Gaussian, MapSolvesTheFlowsEquation) {
  const Gaussian exact = oracle({3, 4, 4});
  const Tensor x = noise(2, {3, 4, 4}), s = times(2, 0.2);
  const auto phi = [&](double t) { return exact.map(x, s, times(2, t)); };

  const double h = 1e-3, t = 0.7;
  const Tensor slope = (8 * (phi(t + h) - phi(t - h)) - (phi(t + 2 * h) - phi(t - 2 * h))) / (12 * h);

  EXPECT_LT(max_difference(slope, exact.velocity(phi(t), times(2, t))), 1e-9);
}

TEST(Gaussian, AverageVelocityMovesLikeTheMap) {
  const Gaussian exact = oracle();
  const Tensor x = noise(4, {2}), s = at::tensor({0.0, 0.2, 0.5, 0.9}, at::kDouble);
  const Tensor t = at::tensor({1.0, 0.3, 0.5, 1.0}, at::kDouble);

  EXPECT_LT(max_difference(advance(x, s, t, exact.average_velocity(x, s, t)), exact.map(x, s, t)), 1e-14);
}

TEST(Gaussian, AverageVelocityOnTheDiagonalIsTheVelocity) {
  const Gaussian exact = oracle();
  const Tensor x = noise(5, {2}), t = at::linspace(0, 1, 5, at::TensorOptions().dtype(at::kDouble));

  EXPECT_LT(max_difference(exact.average_velocity(x, t, t), exact.velocity(x, t)), 1e-13);
}

TEST(Gaussian, MapCarriesNoiseToData) {
  const Gaussian exact = oracle();
  const Tensor x = noise(7, {2});

  EXPECT_LT(max_difference(exact.map(x, times(7, 0), times(7, 1)), exact.mean + kSigma * x), 1e-14);
}

TEST(Gaussian, LogDensityMatchesTheFormulaByHand) {
  const Gaussian exact = oracle();
  const Tensor x = at::tensor({1.8, -0.7}, at::kDouble).view({1, 2});  // one sigma away in one of two elements

  EXPECT_NEAR(exact.log_density(x).item<double>(), -0.5 - std::log(2 * std::numbers::pi * 0.09), 1e-13);
}

TEST(GaussianMixture, VelocityIsThePosteriorMeanByIntegration) {
  const GaussianMixtureTable table = expand(three_components());
  const GaussianMixture mixture = GaussianMixture::from(table);

  for (const double t : {0.0, 0.3, 0.6, 0.9}) {
    for (const double x : {-1.5, -0.2, 0.4, 1.1}) {
      const Tensor v = mixture.velocity(at::full({1, 1}, x, at::kDouble), times(1, t));
      EXPECT_NEAR(v.item<double>(), velocity_by_integration(table, x, t), 1e-9) << "t = " << t << ", x = " << x;
    }
  }
}

TEST(GaussianMixture, OfOneComponentIsTheGaussian) {
  const Gaussian exact = oracle({3, 4, 4});
  GaussianMixtureOptions options;
  const double* mean = exact.mean.const_data_ptr<double>();
  options.means = {std::vector<double>(mean, mean + exact.mean.numel()), 1};
  options.sigma = kSigma;
  const GaussianMixture mixture = GaussianMixture::from(expand(options));
  const Tensor x = noise(3, {3, 4, 4}), t = at::tensor({0.0, 0.4, 1.0}, at::kDouble);

  EXPECT_LT(max_difference(mixture.velocity(x, t), exact.velocity(x, t)), 1e-13);
  EXPECT_LT(max_difference(mixture.log_density(x), exact.log_density(x)), 1e-11);
}

TEST(GaussianMixture, DensityHasMassOneAndItsWeights) {
  const GaussianMixture mixture = GaussianMixture::from(expand(three_components()));
  const Tensor x = at::linspace(-12, 12, 24001, at::TensorOptions().dtype(at::kDouble)).unsqueeze(1);

  const Tensor density = mixture.log_density(x).exp();

  EXPECT_NEAR(density.sum().item<double>() * 1e-3, 1, 1e-9);
  EXPECT_NEAR((density * x.squeeze(1)).sum().item<double>() * 1e-3, 0.6 * -2 + 0.3 * 0.5 + 0.1 * 1.5, 1e-9);
}

TEST(GaussianMixture, DefaultsAreEightComponentsOnACircle) {
  const GaussianMixtureTable table = expand({});

  ASSERT_EQ(table.components, 8);
  EXPECT_EQ(table.elements, 2);
  EXPECT_EQ(table.weights, std::vector<double>(8, 0.125));
  EXPECT_EQ(table.sigmas, std::vector<double>(8, 0.2));
  for (size_t k = 0; k < 8; ++k) EXPECT_NEAR(std::hypot(table.means[2 * k], table.means[2 * k + 1]), 3, 1e-14);
  EXPECT_NEAR(table.means[0], 3, 1e-14);
  EXPECT_NEAR(table.means[5], 3, 1e-14);  // a quarter of a turn on
}

TEST(GaussianMixture, ListsOfTheWrongLengthAreRefused) {
  GaussianMixtureOptions options = three_components();
  options.weights = {1, 2};

  EXPECT_EQ(error_text([&] { expand(options); }),
            "gaussian_mixture: weights has 2 values for 3 components; give one for each");
}

TEST(GaussianMixture, MeansWithoutElementsAreRefused) {
  GaussianMixtureOptions options;
  options.means = {{}, 2};

  EXPECT_EQ(error_text([&] { expand(options); }),
            "gaussian_mixture: means has empty rows; give each one number for each element of a sample");
}

TEST(Placed, FollowsDtypeAndCopiesOnlyWhenItChanges) {
  const Gaussian exact = oracle();
  const Placed<Gaussian> placed(exact);
  const Tensor x = noise(3, {2});

  EXPECT_TRUE(placed.like(x).mean.is_same(exact.mean));
  const Tensor single = placed.like(x.to(at::kFloat)).mean;
  EXPECT_EQ(single.scalar_type(), at::kFloat);
  EXPECT_TRUE(placed.like(x.to(at::kFloat)).mean.is_same(single));
  EXPECT_EQ(placed.like(x).mean.scalar_type(), at::kDouble);
  EXPECT_EQ(max_difference(placed.like(x).velocity(x, times(3, 0.4)), exact.velocity(x, times(3, 0.4))), 0);
}

}  // namespace
}  // namespace ttfm::flow
