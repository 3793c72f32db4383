// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/canvas.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <string>

#include "eval/pictures/colour_map.h"
#include "eval/pictures/font.h"
#include "framework/eval/points.h"

namespace ttfm::eval {
namespace {

constexpr Colour kBlack = {0, 0, 0};

/// A canvas as lines of text: '#' where the red of a pixel is 0.
std::string ink(const Canvas& canvas) {
  std::string text;
  for (int64_t y = 0; y < canvas.height(); ++y) {
    for (int64_t x = 0; x < canvas.width(); ++x) text += canvas.picture()[y][x][0].item<uint8_t>() == 0 ? '#' : '.';
    text += '\n';
  }
  return text;
}

TEST(Canvas, DrawsLettersOfFiveBySevenPixels) {
  Canvas canvas(7, 17, colours::kWhite);

  canvas.text(0, 0, "N=1", kBlack, 1);

  EXPECT_EQ(ink(canvas),
            "#...#.........#..\n"
            "#...#........##..\n"
            "##..#.#####...#..\n"
            "#.#.#.........#..\n"
            "#..##.#####...#..\n"
            "#...#.........#..\n"
            "#...#........###.\n");
  EXPECT_EQ(font::width_of("N=1"), 17);
}

TEST(Canvas, CutsOffWhatLiesOutside) {
  Canvas canvas(2, 3, colours::kWhite);

  canvas.fill(-1, 2, 2, 5, kBlack);
  canvas.blend(7, 7, kBlack, 1);
  canvas.text(-10, -10, "A", kBlack, 1);

  EXPECT_EQ(ink(canvas), "..#\n...\n");
}

TEST(Canvas, MixesColours) {
  Canvas canvas(1, 1, colours::kWhite);

  canvas.blend(0, 0, {255, 0, 155}, 0.5);

  EXPECT_TRUE(at::equal(canvas.picture().view({3}), test::points({255, 128, 205}, 3)[0].to(at::kByte)));
}

TEST(Canvas, PastesGrayAsThreeChannels) {
  Canvas canvas(2, 2, kBlack);

  canvas.paste(1, 0, at::full({1, 1, 1}, 9, at::kByte));

  EXPECT_TRUE(
      at::equal(canvas.picture().view({-1}), test::points({0, 0, 0, 0, 0, 0, 9, 9, 9, 0, 0, 0}, 12)[0].to(at::kByte)));
}

TEST(Font, HasABoxForUnknownLetters) {
  EXPECT_EQ(font::glyph('~')[0], 0x1F);
  EXPECT_EQ(font::glyph('\xE9')[3], 0x11);
  for (const char letter : std::string("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,:=-+/()_%")) {
    EXPECT_NE(&font::glyph(letter), &font::glyph('~')) << letter;
  }
}

TEST(ColourMap, GoesFromVioletToYellowAndGetsSteadilyBrighter) {
  const auto brightness = [](double value) {
    const Colour c = viridis(value);
    return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue;
  };
  EXPECT_EQ(viridis(-1).red, 0x44);
  EXPECT_EQ(viridis(2).red, 0xFD);
  for (int i = 0; i < 50; ++i) EXPECT_LT(brightness(i / 50.0), brightness((i + 1) / 50.0)) << i;
}

}  // namespace
}  // namespace ttfm::eval
