// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/dual_buffer.h"

#include <ATen/ops/cat.h>
#include <gtest/gtest.h>

#include "framework/nn/samples.h"

namespace ttfm {
namespace {

using test::normal;

TEST(JoinedView, CoversTheHalvesOfOneTensor) {
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    for (const int64_t rows : {1, 3}) {
      const Tensor both = normal(1, {2 * rows, 2, 3, 4}).contiguous(format);
      const nn::Halves halves = nn::split(both);

      const auto joined = nn::joined_view(halves.primal, halves.tangent);

      ASSERT_TRUE(joined.has_value());
      EXPECT_TRUE(joined->is_alias_of(both));
      EXPECT_EQ(conformance::max_difference(*joined, both), 0);
    }
  }
}

TEST(JoinedView, IsRefusedWhereTheHalvesDoNotMeet) {
  const Tensor x = normal(1, {6, 4}), image = normal(2, {2, 3, 4, 5});
  const auto refuses = [](const Tensor& a, const Tensor& b) {
    EXPECT_EQ(conformance::max_difference(nn::joined(a, b), at::cat({a, b})), 0);
    return !nn::joined_view(a, b).has_value();
  };

  EXPECT_TRUE(refuses(x.narrow(0, 0, 3), x.clone().narrow(0, 3, 3)));  // other storage
  EXPECT_TRUE(refuses(x.narrow(0, 3, 3), x.narrow(0, 0, 3)));          // wrong order
  EXPECT_TRUE(refuses(x.narrow(0, 0, 2), x.narrow(0, 3, 2)));          // a gap
  EXPECT_TRUE(refuses(x.narrow(1, 0, 2), x.narrow(1, 2, 2)));          // side by side
  EXPECT_TRUE(
      refuses(image.select(0, 0).transpose(0, 1), image.select(0, 1).transpose(0, 1)));      // rows are not outermost
  EXPECT_TRUE(refuses(x.narrow(0, 0, 1).expand({2, 4}), x.narrow(0, 2, 1).expand({2, 4})));  // overlapping rows
}

}  // namespace
}  // namespace ttfm
