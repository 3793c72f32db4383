// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "checkerboard_dataset.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <limits>

#include <ttfm/conformance/dataset_checks.h>

namespace ttfm {
namespace {

using Options = CheckerboardDataset::Options;

TEST(CheckerboardDataset, SamplesDoNotDependOnBatching) {
  conformance::expect_samples_do_not_depend_on_batching(CheckerboardDataset({}), Split::train, 9);
}

TEST(CheckerboardDataset, SplitsAndKeysAreDifferentSamples) {
  conformance::expect_splits_and_keys_differ(CheckerboardDataset({}));
}

TEST(CheckerboardDataset, DensityIntegratesToOne) {
  for (const int64_t squares : {1, 3, 4}) {
    const CheckerboardDataset data({.squares = squares, .extent = 1.5});

    EXPECT_NEAR(conformance::cell_masses(conformance::density_of(data), 2, 8, 24).sum().item<double>(), 1, 1e-10)
        << squares;
  }
}

TEST(CheckerboardDataset, DensityIsThatOfTheSquareOfAPoint) {
  const CheckerboardDataset data({});  // squares of side 2, the one at the lower left is dark
  const at::Tensor x = at::tensor({-3., -3., -1., -3., -1., -1., 5., 3.}, at::kDouble).view({4, 2});
  const double inf = std::numeric_limits<double>::infinity(), log_p = -std::log(32.);

  EXPECT_TRUE(
      at::equal(conformance::density_of(data).log_density(x), at::tensor({log_p, -inf, log_p, -inf}, at::kDouble)));
}

TEST(CheckerboardDataset, SamplesHaveTheStatedDensity) {
  for (const int64_t squares : {3, 4}) {
    const CheckerboardDataset data({.squares = squares, .extent = 3});
    const at::Tensor x = conformance::read_first(data, Split::train, 100000, 5).x;

    EXPECT_LT(std::abs(conformance::chi_square_deviation(conformance::density_of(data), x, 3, 24, 2)), 4) << squares;
  }
}

TEST(CheckerboardDataset, EverySampleLiesOnADarkSquare) {
  // squares so small beside their distance from the origin that rounding to float often reaches an edge
  const CheckerboardDataset data({.squares = 256, .extent = 1024});
  const at::Tensor x = conformance::read_first(data, Split::train, 1'000'000).x.to(at::kDouble);

  EXPECT_GT(conformance::density_of(data).log_density(x).min().item<double>(),
            -std::numeric_limits<double>::infinity());
}

}  // namespace
}  // namespace ttfm
