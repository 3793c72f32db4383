// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <numeric>

#include <ttfm/io/area_resize.h>

namespace ttfm::io {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(AreaResize, HalvingAveragesSquares) {
  const Bytes image = {0, 4, 10, 20,  //
                       8, 4, 30, 40};

  EXPECT_EQ(area_resize(image.data(), 2, 4, 1, 1, 2), (Bytes{4, 25}));
}

TEST(AreaResize, PixelsOnABorderCountByTheirShare) {
  const Bytes image = {90, 30, 60};  // new pixels cover 1.5 old ones each

  EXPECT_EQ(area_resize(image.data(), 1, 3, 1, 1, 2), (Bytes{70, 50}));
}

TEST(AreaResize, ChannelsStayApart) {
  const Bytes image = {0, 100, 200, 2, 102, 202};

  EXPECT_EQ(area_resize(image.data(), 2, 1, 3, 1, 1), (Bytes{1, 101, 201}));
}

TEST(AreaResize, AConstantStaysConstantAndTheSameSizeIsTheSameImage) {
  const Bytes white(28 * 28, 255);
  Bytes ramp(28 * 28);
  std::iota(ramp.begin(), ramp.end(), uint8_t{0});

  EXPECT_EQ(area_resize(white.data(), 28, 28, 1, 9, 11), Bytes(99, 255));
  EXPECT_EQ(area_resize(ramp.data(), 28, 28, 1, 28, 28), ramp);
}

TEST(AreaResize, GrowingRepeatsPixels) {
  const Bytes image = {10, 20};

  EXPECT_EQ(area_resize(image.data(), 1, 2, 1, 2, 4), (Bytes{10, 10, 20, 20, 10, 10, 20, 20}));
}

TEST(AreaResize, WeightsSumToOne) {
  for (const int64_t to : {1, 3, 13, 28, 64}) {
    for (const AreaSpan& span : area_spans(28, to)) {
      EXPECT_NEAR(std::accumulate(span.weights.begin(), span.weights.end(), 0.), 1, 1e-6);
      EXPECT_LE(span.first + static_cast<int64_t>(span.weights.size()), 28);
    }
  }
}

}  // namespace
}  // namespace ttfm::io
