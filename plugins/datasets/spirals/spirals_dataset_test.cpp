// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "spirals_dataset.h"

#include <ATen/ops/bincount.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <gtest/gtest.h>

#include <numbers>

#include <ttfm/conformance/dataset_checks.h>
#include <ttfm/conformance/numbers.h>

namespace ttfm {
namespace {

TEST(SpiralsDataset, SamplesDoNotDependOnBatching) {
  conformance::expect_samples_do_not_depend_on_batching(SpiralsDataset({.arms = 3, .labels = true}), Split::train, 9);
}

TEST(SpiralsDataset, SplitsAndKeysAreDifferentSamples) {
  conformance::expect_splits_and_keys_differ(SpiralsDataset({}));
}

TEST(SpiralsDataset, WithoutNoiseEverySampleLiesOnItsArm) {
  const double radius = 2.5, turns = 1.75;
  const SpiralsDataset data({.arms = 3, .turns = turns, .radius = radius, .noise = 0, .labels = true});
  const conformance::Samples samples = conformance::read_first(data, Split::train, 1000);
  const at::Tensor x = samples.x.to(at::kDouble);
  const at::Tensor r = at::linalg_vector_norm(x, 2, 1);
  const at::Tensor angle = 2 * std::numbers::pi * (turns * r / radius + samples.label.to(at::kDouble) / 3);

  EXPECT_LT(conformance::max_difference(x, at::stack({r * angle.cos(), r * angle.sin()}, 1)), 1e-5);
  EXPECT_LE(r.max().item<double>(), radius);
}

TEST(SpiralsDataset, TheSquareOfTheRadiusIsUniformAndTheArmsAreEquallyLikely) {
  const double n = 100000;
  const SpiralsDataset data({.arms = 4, .radius = 1, .noise = 0, .labels = true});
  const conformance::Samples samples = conformance::read_first(data, Split::train, 100000);
  const at::Tensor w = samples.x.to(at::kDouble).square().sum(1);

  EXPECT_NEAR(w.mean().item<double>(), 1. / 2, 5 / std::sqrt(12 * n));
  EXPECT_NEAR(w.square().mean().item<double>(), 1. / 3, 5 * std::sqrt(4. / 45 / n));
  const at::Tensor share = at::bincount(samples.label, {}, 4).to(at::kDouble) / n;
  EXPECT_LT((share - 0.25).abs().max().item<double>(), 5 * std::sqrt(0.25 * 0.75 / n));
}

TEST(SpiralsDataset, NoiseHasTheStatedDeviation) {
  const conformance::Samples exact = conformance::read_first(SpiralsDataset({.noise = 0}), Split::train, 20000);
  const conformance::Samples noisy = conformance::read_first(SpiralsDataset({.noise = 0.3}), Split::train, 20000);
  const double variance = (noisy.x - exact.x).to(at::kDouble).square().mean().item<double>();

  EXPECT_NEAR(variance, 0.09, 5 * 0.09 * std::sqrt(2 / 40000.));
}

}  // namespace
}  // namespace ttfm
