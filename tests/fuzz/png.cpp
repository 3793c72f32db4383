// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <algorithm>

#include "datasets/image_folder/test_images.h"
#include "fuzz/decoded.h"

/// The input is a PNG: as it is, and with the checksums of its chunks mended, which mutations spoil. What is decoded is
/// the same after it was encoded and decoded again, and the background shows only where something is transparent.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm;
  using image_folder::decode_png;
  image_folder::test_images::Bytes bytes(data, data + size);
  const auto raw = fuzz::decoded(&decode_png, bytes);
  image_folder::test_images::mend_checksums(bytes);
  const auto image = fuzz::decoded(&decode_png, bytes);
  if (raw) fuzz::require(image && image->pixels == raw->pixels, "a checksum that was right stays");
  if (!image) return 0;

  const auto on_black = fuzz::decoded(&decode_png, bytes, 0);
  fuzz::require(on_black && on_black->pixels.size() == image->pixels.size(), "the background changes no size");
  fuzz::require(std::equal(image->pixels.begin(), image->pixels.end(), on_black->pixels.begin(),
                           [](uint8_t white, uint8_t black) { return white >= black; }),
                "nothing is darker on white than on black");
  const auto again = image_folder::test_images::png({.width = static_cast<uint32_t>(image->width),
                                                     .height = static_cast<uint32_t>(image->height),
                                                     .rows = image->pixels});
  const auto twice = fuzz::decoded(&decode_png, again);
  fuzz::require(
      twice && twice->height == image->height && twice->width == image->width && twice->pixels == image->pixels,
      "an image is the same after it was encoded again");
  return 0;
}
