// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/core/PhiloxRNGEngine.h>
#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/numbers.h>

#include "base/philox.h"

namespace ttfm {
namespace {

using conformance::stream;

// Known answers of the Random123 library (kat_vectors: philox4x32 10).
TEST(Philox, MatchesThePublishedKnownAnswers) {
  constexpr uint64_t kOnes = ~uint64_t{0};
  const std::array<PhiloxCounter, 4> counters = {
      {{0, 0}, {kOnes, kOnes}, {0x0370734413198a2e, 0x85a308d3243f6a88}, {0, 0}}};

  const auto of_zeros = philox(0, counters), of_ones = philox(kOnes, counters),
             of_pi = philox(0x299f31d0a4093822, counters);

  const std::array<uint32_t, 4> zeros = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  EXPECT_EQ(of_zeros[0], zeros);
  EXPECT_EQ(of_zeros[3], zeros);
  const std::array<uint32_t, 4> ones = {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};
  EXPECT_EQ(of_ones[1], ones);
  const std::array<uint32_t, 4> pi = {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1};
  EXPECT_EQ(of_pi[2], pi);
  EXPECT_EQ(philox(0x299f31d0a4093822, counters[2].row, counters[2].block), pi);
}

TEST(Stream, GivesTheSameNumbersTwice) {
  EXPECT_TRUE(at::equal(stream(1).normal({8, 5}), stream(1).normal({8, 5})));
  EXPECT_FALSE(at::equal(stream(1).normal({8, 5}), stream(2).normal({8, 5})));
}

TEST(Stream, ChildrenAreIndependentOfEachOtherAndOfTheOrderOfDraws) {
  const Stream root = stream(7);

  EXPECT_FALSE(at::equal(root.child("a").uniform({64}), root.child("b").uniform({64})));
  EXPECT_FALSE(at::equal(root.child("a").uniform({64}), root.uniform({64})));
  EXPECT_FALSE(at::equal(root.child("a").child("b").uniform({64}), root.child("b").child("a").uniform({64})));
}

TEST(Stream, RowsAreNumberedGlobally) {
  const at::Tensor whole = stream(3).normal({10, 3, 7});
  Stream::Impl impl = stream(3).impl();
  impl.row_offset = 4;

  EXPECT_TRUE(at::equal(Stream(impl).normal({6, 3, 7}), whole.narrow(0, 4, 6)));
}

TEST(Stream, ARowDoesNotDependOnItsWidth) {
  EXPECT_TRUE(at::equal(stream(3).uniform({4, 3}), stream(3).uniform({4, 9}).narrow(1, 0, 3)));
}

TEST(Stream, DoubleDrawsRoundToTheFloatDraws) {
  EXPECT_LT(conformance::max_difference(stream(5).normal({100, 3}), stream(5, at::kDouble).normal({100, 3})), 1e-5);
}

TEST(Stream, NormalHasTheMomentsOfAStandardNormal) {
  const at::Tensor z = stream(11, at::kDouble).normal({40000, 5});
  const double n = static_cast<double>(z.numel());

  EXPECT_NEAR(z.mean().item<double>(), 0, 5 / std::sqrt(n));
  EXPECT_NEAR(z.pow(2).mean().item<double>(), 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(z.pow(3).mean().item<double>(), 0, 5 * std::sqrt(15 / n));
  EXPECT_NEAR(z.pow(4).mean().item<double>(), 3, 5 * std::sqrt(96 / n));
}

TEST(Stream, IntegersCoverTheirRange) {
  const at::Tensor k = stream(1).integers({10000}, 10);

  EXPECT_EQ(k.min().item<int64_t>(), 0);
  EXPECT_EQ(k.max().item<int64_t>(), 9);
  EXPECT_NEAR(k.to(at::kDouble).mean().item<double>(), 4.5, 0.15);
}

}  // namespace
}  // namespace ttfm
