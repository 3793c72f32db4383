// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "two_moons_dataset.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <gtest/gtest.h>

#include <numbers>

#include <ttfm/conformance/dataset_checks.h>

namespace ttfm {
namespace {

TEST(TwoMoonsDataset, SamplesDoNotDependOnBatching) {
  conformance::expect_samples_do_not_depend_on_batching(TwoMoonsDataset({.labels = true}), Split::train, 9);
}

TEST(TwoMoonsDataset, SplitsAndKeysAreDifferentSamples) {
  conformance::expect_splits_and_keys_differ(TwoMoonsDataset({}));
}

TEST(TwoMoonsDataset, WithoutNoiseEverySampleLiesOnItsHalfCircle) {
  const TwoMoonsDataset data({.radius = 3, .noise = 0, .labels = true});
  const conformance::Samples samples = conformance::read_first(data, Split::train, 1000);
  const at::Tensor lower = samples.label == 1;
  // upper: the upper half of a circle around (-1/2, -1/4); lower: the lower half of one around (1/2, 1/4)
  const at::Tensor sign = samples.label.to(at::kDouble) * 2 - 1;
  const at::Tensor offset = samples.x.to(at::kDouble) - 3 * at::stack({sign / 2, sign / 4}, 1);

  EXPECT_LT((at::linalg_vector_norm(offset, 2, 1) - 3).abs().max().item<double>(), 1e-5);
  EXPECT_GE((-sign * offset.select(1, 1)).min().item<double>(), -1e-5);
  EXPECT_NEAR(lower.to(at::kDouble).mean().item<double>(), 0.5, 5 * 0.5 / std::sqrt(1000.));
}

TEST(TwoMoonsDataset, MomentsAreThoseOfTheFormula) {
  const double radius = 2, noise = 0.3, n = 100000;
  const at::Tensor x =
      conformance::read_first(TwoMoonsDataset({.radius = radius, .noise = noise}), Split::train, 100000)
          .x.to(at::kDouble);
  // E sin = 2/pi, E cos^2 = 1/2, E sin^2 = 1/2; the moons mirror each other in the origin
  const double xx = radius * radius * (0.5 + 0.25) + noise * noise;
  const double yy = radius * radius * (0.5 - 2 * 0.25 * 2 / std::numbers::pi + 1. / 16) + noise * noise;

  EXPECT_LT(x.mean(0).abs().max().item<double>(), 5 * std::sqrt(xx / n));
  EXPECT_NEAR(x.select(1, 0).square().mean().item<double>(), xx, 5 * 2 * xx / std::sqrt(n));
  EXPECT_NEAR(x.select(1, 1).square().mean().item<double>(), yy, 5 * 2 * yy / std::sqrt(n));
}

}  // namespace
}  // namespace ttfm
