// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/panels.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <vector>

namespace ttfm::eval {
namespace {

at::Tensor plain(int64_t height, int64_t width, int64_t value) {
  return at::full({height, width, 1}, value, at::kByte);
}

TEST(Panels, StandSideBySideBelowTheirCaptions) {
  const at::Tensor picture = side_by_side({{"data", plain(30, 40, 1)}, {"N=1", plain(30, 40, 2)}});

  EXPECT_EQ(picture.sizes(), (std::vector<int64_t>{10 + 20 + 30 + 10, 10 + 40 + 10 + 40 + 10, 3}));
  const at::Tensor gray = picture.select(2, 0);
  EXPECT_TRUE(at::equal(gray.narrow(0, 30, 30).narrow(1, 10, 40), plain(30, 40, 1).squeeze(2)));
  EXPECT_TRUE(at::equal(gray.narrow(0, 30, 30).narrow(1, 60, 40), plain(30, 40, 2).squeeze(2)));
  EXPECT_LT(gray.narrow(0, 10, 14).narrow(1, 10, 40).min().item<uint8_t>(), 100);  // ink
  EXPECT_EQ(gray.narrow(0, 0, 10).min().item<uint8_t>(), 255);
  EXPECT_EQ(gray.narrow(0, 24, 6).min().item<uint8_t>(), 255);
}

TEST(Panels, WrapIntoRows) {
  const at::Tensor picture = side_by_side({{"", plain(8, 8, 1)}, {"", plain(8, 8, 2)}, {"", plain(8, 8, 3)}}, 2);

  EXPECT_EQ(picture.sizes(), (std::vector<int64_t>{10 + 2 * (20 + 8 + 10), 10 + 2 * 18, 3}));
  const int64_t second_row = 10 + 20 + 8 + 10 + 20;
  EXPECT_TRUE(at::equal(picture.select(2, 0).narrow(0, second_row, 8).narrow(1, 10, 8), plain(8, 8, 3).squeeze(2)));
  EXPECT_EQ(picture.narrow(0, second_row, 8).narrow(1, 28, 8).min().item<uint8_t>(), 255);
}

TEST(Panels, CutACaptionThatIsTooWide) {
  const at::Tensor picture = side_by_side({{"MMMM", plain(8, 24, 0)}}).select(2, 0);

  const at::Tensor ink = picture.narrow(0, 10, 14);
  EXPECT_EQ(ink.narrow(1, 0, 10).min().item<uint8_t>(), 255);
  EXPECT_EQ(ink.narrow(1, 34, 10).min().item<uint8_t>(), 255);
  EXPECT_LT(ink.min().item<uint8_t>(), 100);
}

}  // namespace
}  // namespace ttfm::eval
