// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "gaussian_mixture_dataset.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/dataset_checks.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/numbers.h>

namespace ttfm {
namespace {

using Options = GaussianMixtureDataset::Options;

TEST(GaussianMixtureDataset, StatesWhatItHolds) {
  const DatasetTraits traits = conformance::traits_of(GaussianMixtureDataset({}));

  EXPECT_EQ(traits.rank, 1u);
  EXPECT_EQ(traits.shape[0], 2);
  EXPECT_EQ(traits.classes, 0);
  for (const int64_t size : traits.size) EXPECT_EQ(size, DatasetTraits::kEndless);
  EXPECT_FLOAT_EQ(traits.high, 3.8f);
  EXPECT_FLOAT_EQ(traits.low, -3.8f);
}

TEST(GaussianMixtureDataset, SamplesDoNotDependOnBatching) {
  Options options;
  options.labels = true;
  conformance::expect_samples_do_not_depend_on_batching(GaussianMixtureDataset(options), Split::train, 9);
}

TEST(GaussianMixtureDataset, SplitsAndKeysAreDifferentSamples) {
  conformance::expect_splits_and_keys_differ(GaussianMixtureDataset({}));
}

TEST(GaussianMixtureDataset, DensityIntegratesToOne) {
  const GaussianMixtureDataset data({});

  EXPECT_NEAR(conformance::cell_masses(conformance::density_of(data), 6, 30, 20).sum().item<double>(), 1, 1e-10);
}

TEST(GaussianMixtureDataset, SamplesHaveTheStatedDensity) {
  const GaussianMixtureDataset data({});
  const at::Tensor x = conformance::read_first(data, Split::train, 200000, 1).x;

  EXPECT_LT(std::abs(conformance::chi_square_deviation(conformance::density_of(data), x, 6, 48, 8)), 4);
}

TEST(GaussianMixtureDataset, UnequalWeightsAndSigmasHaveTheStatedDensity) {
  Options options;
  options.means = {{-1, 0.5, 2, -1, 0, 2}, 3};
  options.weights = {1, 2, 5};
  options.sigmas = {0.3, 0.6, 0.9};
  const GaussianMixtureDataset data(options);
  const at::Tensor x = conformance::read_first(data, Split::train, 200000, 1).x;

  EXPECT_NEAR(conformance::cell_masses(conformance::density_of(data), 8, 40, 10).sum().item<double>(), 1, 1e-10);
  EXPECT_LT(std::abs(conformance::chi_square_deviation(conformance::density_of(data), x, 8, 64, 8)), 4);
}

TEST(GaussianMixtureDataset, LabelsAreTheComponents) {
  Options options;
  options.labels = true;
  options.sigma = 0.01;
  const GaussianMixtureDataset data(options);
  const conformance::Samples samples = conformance::read_first(data, Split::train, 500);
  const at::Tensor angle = samples.label.to(at::kDouble) * (2 * std::numbers::pi / 8);
  const at::Tensor mean = at::stack({angle.cos(), angle.sin()}, 1) * 3;

  EXPECT_EQ(conformance::traits_of(data).classes, 8);
  EXPECT_LT(at::linalg_vector_norm(samples.x - mean, 2, 1).max().item<double>(), 0.06);
}

TEST(GaussianMixtureDataset, AnyNumberOfElements) {
  Options options;
  options.means = {{1, 2, 3, 4, 5}, 1};
  const at::Tensor x = conformance::read_first(GaussianMixtureDataset(options), Split::train, 20000).x;

  EXPECT_LT(conformance::max_difference(x.mean(0), at::tensor({1., 2., 3., 4., 5.})), 5 * 0.2 / std::sqrt(20000.));
}

TEST(GaussianMixtureDataset, ListsOfDifferentLengthsAreRefused) {
  Options options;
  options.weights = {1, 2};

  EXPECT_EQ(conformance::error_text([&] { GaussianMixtureDataset data(options); }),
            "gaussian_mixture: weights has 2 values for 8 components; give one for each");
}

}  // namespace
}  // namespace ttfm
