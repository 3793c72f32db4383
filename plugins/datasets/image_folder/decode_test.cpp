// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "image.h"
#include "test_images.h"

namespace ttfm::image_folder {
namespace {

using test_images::Bytes;
using test_images::jpeg;
using test_images::mend_checksums;
using test_images::pattern;
using test_images::png;

std::string refusal(const Bytes& bytes, const DecodeOptions& options = {}) {
  try {
    bytes.size() > 1 && bytes[0] == 0xff ? decode_jpeg(bytes, options) : decode_png(bytes, options);
  } catch (const BadImage& bad) {
    return bad.what();
  }
  ADD_FAILURE() << "expected a BadImage";
  return {};
}

int largest_difference(const Bytes& a, const Bytes& b) {
  EXPECT_EQ(a.size(), b.size());
  int largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(DecodePng, RgbComesBackAsItWas) {
  for (const bool interlaced : {false, true}) {
    const Image image =
        decode_png(png({.width = 5, .height = 4, .rows = pattern(5, 4, 3), .interlaced = interlaced}), {});

    EXPECT_EQ(image.height, 4);
    EXPECT_EQ(image.width, 5);
    EXPECT_EQ(image.pixels, pattern(5, 4, 3));
  }
}

TEST(DecodePng, GrayOfEveryDepthBecomesRgb) {
  const auto gray = [](int depth, const Bytes& rows) {
    return decode_png(png({.width = 2, .height = 1, .colour = PNG_COLOR_TYPE_GRAY, .depth = depth, .rows = rows}), {})
        .pixels;
  };

  EXPECT_EQ(gray(8, {7, 200}), (Bytes{7, 7, 7, 200, 200, 200}));
  EXPECT_EQ(gray(1, {0x40}), (Bytes{0, 0, 0, 255, 255, 255}));
  EXPECT_EQ(gray(4, {0x5f}), (Bytes{0x55, 0x55, 0x55, 255, 255, 255}));
  EXPECT_EQ(gray(16, {0x80, 0x80, 0xff, 0xff}), (Bytes{0x80, 0x80, 0x80, 255, 255, 255}));
}

TEST(DecodePng, SixteenBitsAreRoundedNotCut) {
  const Image image =
      decode_png(png({.width = 1, .height = 1, .depth = 16, .rows = {0x00, 0xff, 0x01, 0x00, 0x7f, 0xff}}), {});

  EXPECT_EQ(image.pixels, (Bytes{1, 1, 127}));  // 255, 256 and 32767 over 257
}

TEST(DecodePng, PalettesAndTransparencyShowTheBackground) {
  const Bytes palette = png({.width = 3,
                             .height = 1,
                             .colour = PNG_COLOR_TYPE_PALETTE,
                             .rows = {0, 1, 2},
                             .palette = {{10, 20, 30}, {40, 50, 60}, {70, 80, 90}},
                             .palette_alpha = {255, 0}});
  const Bytes rgba =
      png({.width = 2, .height = 1, .colour = PNG_COLOR_TYPE_RGBA, .rows = {100, 0, 200, 51, 1, 2, 3, 255}});

  EXPECT_EQ(decode_png(palette, {}).pixels, (Bytes{10, 20, 30, 255, 255, 255, 70, 80, 90}));
  EXPECT_EQ(decode_png(palette, {.background = 0}).pixels, (Bytes{10, 20, 30, 0, 0, 0, 70, 80, 90}));
  EXPECT_EQ(decode_png(rgba, {}).pixels, (Bytes{224, 204, 244, 1, 2, 3}));  // 255 + (c - 255) / 5
}

TEST(DecodePng, EveryTruncationIsRefused) {
  const Bytes whole = png({.width = 16, .height = 16, .rows = pattern(16, 16, 3)});
  for (size_t size = 8; size < whole.size(); ++size) {
    const std::string text = refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_EQ(text.rfind("is a broken PNG: ", 0), 0u) << size << " bytes: " << text;
  }
  EXPECT_EQ(refusal(Bytes(whole.begin(), whole.end() - 1)), "is a broken PNG: it is truncated");
}

TEST(DecodePng, AFlippedBitIsFoundByTheChecksum) {
  Bytes bytes = png({.width = 16, .height = 16, .rows = pattern(16, 16, 3)});
  bytes[8 + 25 + 8 + 20] ^= 4;  // in the data of IDAT, which follows IHDR

  EXPECT_NE(refusal(bytes).find("IDAT"), std::string::npos);
}

TEST(DecodePng, ADamagedTransparencyIsFoundByTheChecksumToo) {
  Bytes bytes = png({.width = 2,
                     .height = 1,
                     .colour = PNG_COLOR_TYPE_PALETTE,
                     .rows = {0, 1},
                     .palette = {{10, 20, 30}, {40, 50, 60}},
                     .palette_alpha = {255, 0}});
  const std::string name = "tRNS";
  *(std::search(bytes.begin(), bytes.end(), name.begin(), name.end()) + 4) ^= 1;

  EXPECT_EQ(refusal(bytes), "is a broken PNG: tRNS: CRC error");
}

TEST(DecodePng, AHeaderThatPromisesMoreThanTheFileHoldsIsRefusedBeforeMemoryIsTaken) {
  Bytes bytes = png({.width = 16, .height = 16, .rows = pattern(16, 16, 3)});
  bytes[18] = 0x10, bytes[22] = 0x10;  // 4112 x 4112
  mend_checksums(bytes);

  EXPECT_EQ(refusal(bytes), "is a broken PNG: its header promises 4112 x 4112 pixels, which a file of " +
                                std::to_string(bytes.size()) + " bytes cannot hold");
  EXPECT_EQ(refusal(bytes, {.max_pixels = 1 << 20}), "has 4112 x 4112 pixels, more than max_pixels = 1048576");
}

TEST(DecodePng, AHeaderThatPromisesALittleMoreIsRefused) {
  Bytes bytes = png({.width = 16, .height = 16, .rows = pattern(16, 16, 3)});
  bytes[23] = 17;
  mend_checksums(bytes);

  EXPECT_EQ(refusal(bytes), "is a broken PNG: Not enough image data");
}

TEST(DecodePng, TextAndProfilesArePassedOver) {
  const Bytes whole = png({.width = 5, .height = 4, .rows = pattern(5, 4, 3)});
  for (const std::string type : {"tEXt", "zTXt", "iTXt", "iCCP", "sPLT", "eXIf", "ttFm"}) {
    Bytes chunk(12 + 9'000'000, 'x');  // more than libpng would keep
    chunk[0] = 0, chunk[1] = 0x89, chunk[2] = 0x54, chunk[3] = 0x40;
    std::copy(type.begin(), type.end(), chunk.begin() + 4);
    Bytes bytes = whole;
    bytes.insert(bytes.begin() + 8 + 25, chunk.begin(), chunk.end());  // behind IHDR
    mend_checksums(bytes);

    EXPECT_EQ(decode_png(bytes, {}).pixels, pattern(5, 4, 3)) << type;
  }
}

TEST(DecodePng, GiantSidesAreRefused) {
  Bytes bytes = png({.width = 1, .height = 1, .rows = {1, 2, 3}});
  bytes[16] = 0x7f;
  mend_checksums(bytes);

  EXPECT_EQ(refusal(bytes), "has 2130706433 x 1 pixels, more than max_pixels = 33554432");
}

TEST(DecodeJpeg, RgbAndGrayComeBackWithinTheirLoss) {
  for (const bool progressive : {false, true}) {
    const Image rgb = decode_jpeg(jpeg(24, 16, 3, pattern(24, 16, 3), progressive), {});
    const Image gray = decode_jpeg(jpeg(24, 16, 1, pattern(24, 16, 1), progressive), {});

    EXPECT_EQ(rgb.height, 16);
    EXPECT_EQ(rgb.width, 24);
    EXPECT_LE(largest_difference(rgb.pixels, pattern(24, 16, 3)), 6);
    Bytes tripled;
    for (const uint8_t value : pattern(24, 16, 1)) tripled.insert(tripled.end(), 3, value);
    EXPECT_LE(largest_difference(gray.pixels, tripled), 4);
  }
}

TEST(DecodeJpeg, EveryTruncationIsRefused) {
  for (const bool progressive : {false, true}) {
    const Bytes whole = jpeg(40, 40, 3, pattern(40, 40, 3), progressive);
    for (size_t size = 4; size < whole.size(); ++size) {
      const std::string text = refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
      EXPECT_EQ(text.rfind("is a broken JPEG: ", 0), 0u) << size << " bytes: " << text;
    }
    EXPECT_EQ(refusal(Bytes(whole.begin(), whole.end() - 2)), "is a broken JPEG: Premature end of JPEG file");
  }
}

TEST(DecodeJpeg, TooManyPixelsAreRefusedBeforeMemoryIsTaken) {
  EXPECT_EQ(refusal(jpeg(40, 30, 3, pattern(40, 30, 3)), {.max_pixels = 1199}),
            "has 40 x 30 pixels, more than max_pixels = 1199");
}

TEST(DecodeJpeg, CmykIsRefused) {
  EXPECT_EQ(refusal(jpeg(8, 8, 4, pattern(8, 8, 4))),
            "is a JPEG that is neither gray nor RGB (CMYK?); convert it to RGB");
}

TEST(DecodeJpeg, EndlessScansAreRefused) {
  // a scan of all bits can be repeated without contradicting what came before
  const std::vector<jpeg_scan_info> scans = {{1, {0}, 0, 0, 0, 0}, {1, {0}, 1, 63, 0, 0}};
  const Bytes whole = jpeg(64, 64, 1, pattern(64, 64, 1), /*progressive=*/true, scans);
  decode_jpeg(whole, {});
  // the file's last scan once more, 200 times, before the end marker
  const uint8_t scan_marker[] = {0xff, 0xda};
  const auto last = std::find_end(whole.begin(), whole.end(), std::begin(scan_marker), std::end(scan_marker));
  Bytes bytes(whole.begin(), whole.end() - 2);
  for (int i = 0; i < 200; ++i) bytes.insert(bytes.end(), last, whole.end() - 2);
  bytes.insert(bytes.end(), {0xff, 0xd9});

  EXPECT_EQ(refusal(bytes), "is a broken JPEG: it has more than max_scans = 100 scans");
  EXPECT_EQ(decode_jpeg(bytes, {.max_scans = 202}).pixels, decode_jpeg(whole, {}).pixels);
}

TEST(ResizeShorterSide, KeepsTheAspectAndNeverGoesBelowTheSide) {
  const auto sizes = [](int64_t height, int64_t width, int64_t side) {
    const Image image =
        resize_shorter_side({height, width, Bytes(static_cast<size_t>(height * width * 3), 9)}, side, {});
    EXPECT_EQ(image.pixels, Bytes(static_cast<size_t>(image.height * image.width * 3), 9));
    return std::pair(image.height, image.width);
  };

  EXPECT_EQ(sizes(10, 20, 5), std::pair(int64_t{5}, int64_t{10}));
  EXPECT_EQ(sizes(20, 13, 7), std::pair(int64_t{11}, int64_t{7}));
  EXPECT_EQ(sizes(3, 4, 6), std::pair(int64_t{6}, int64_t{8}));
}

TEST(ResizeShorterSide, RefusesAnImageSoLongThatItWouldGrowBeyondTheLimit) {
  const auto width = [](int64_t max_pixels) {
    return resize_shorter_side({1, 1000, Bytes(3000, 9)}, 8, {.max_pixels = max_pixels}).width;
  };
  const auto refusal_of = [&](int64_t max_pixels) -> std::string {
    try {
      width(max_pixels);
    } catch (const BadImage& bad) {
      return bad.what();
    }
    return "";
  };
  const std::string expected = "has 1000 x 1 pixels, which a shorter side of 8 makes 8000 x 8, more than the limit of ";

  EXPECT_EQ(width(64000), 8000);
  EXPECT_EQ(refusal_of(63999), expected + "63999 pixels");
  EXPECT_EQ(refusal_of(1000), expected + "1024 pixels");  // 16 squares of the side
  EXPECT_EQ(resize_shorter_side({1, 16, Bytes(48, 9)}, 8, {.max_pixels = 16}).width, 128);
}

}  // namespace
}  // namespace ttfm::image_folder
