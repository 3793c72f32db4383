// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/rows.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include <ttfm/conformance/numbers.h>

namespace ttfm::eval {
namespace {

TEST(Rows, AreVisitedOnceInBatchesOfAtMostTheGivenSize) {
  std::vector<std::pair<int64_t, int64_t>> seen;
  for_batches(7, 3, [&](int64_t start, int64_t count) { seen.emplace_back(start, count); });

  EXPECT_EQ(seen, (std::vector<std::pair<int64_t, int64_t>>{{0, 3}, {3, 3}, {6, 1}}));
}

TEST(Rows, ChosenAtRandomAreDifferentOnesAndSpreadOverAll) {
  const at::Tensor chosen = random_rows(at::arange(1000), 100, conformance::stream(1));

  const at::Tensor sorted = std::get<0>(chosen.sort());
  EXPECT_GT((sorted.narrow(0, 1, 99) - sorted.narrow(0, 0, 99)).min().item<int64_t>(), 0);
  EXPECT_NEAR(chosen.to(at::kDouble).mean().item<double>(), 500, 100);
  EXPECT_TRUE(at::equal(chosen, random_rows(at::arange(1000), 100, conformance::stream(1))));
}

TEST(Rows, StayInOrderWhereAllAreChosen) {
  EXPECT_TRUE(at::equal(random_rows(at::arange(5), 5, conformance::stream(1)), at::arange(5)));
}

}  // namespace
}  // namespace ttfm::eval
