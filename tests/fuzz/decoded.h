// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "datasets/image_folder/image.h"
#include "fuzz/fuzz.h"

namespace ttfm::fuzz {

/// Small, so that a thousand images a second are decoded and a larger one is a refusal.
inline constexpr int64_t kMostPixels = 1 << 16;

/// Whether the image can be resized, as the data set does, or is refused.
inline void check_resizing(image_folder::Image image, const image_folder::DecodeOptions& options) {
  constexpr int64_t kSide = 8;
  try {
    image = image_folder::resize_shorter_side(std::move(image), kSide, options);
  } catch (const image_folder::BadImage&) {
    return;
  }
  require(std::min(image.height, image.width) == kSide, "the shorter side is what was asked for");
  require(static_cast<int64_t>(image.pixels.size()) == image.height * image.width * 3,
          "a resized image has its pixels");
}

/// The image, if it is one; it keeps the limit, and its pixels are all there.
inline std::optional<image_folder::Image> decoded(image_folder::Image (*decode)(std::span<const uint8_t>,
                                                                                const image_folder::DecodeOptions&),
                                                  std::span<const uint8_t> bytes, uint8_t background = 255) {
  try {
    image_folder::DecodeOptions options;
    options.max_pixels = kMostPixels;
    options.background = background;
    image_folder::Image image = decode(bytes, options);
    require(image.height > 0 && image.width > 0 && image.height * image.width <= kMostPixels,
            "an image keeps the limit of its pixels");
    require(static_cast<int64_t>(image.pixels.size()) == image.height * image.width * 3, "an image has its pixels");
    check_resizing(image, options);
    return image;
  } catch (const image_folder::BadImage&) {
    return {};
  }
}

}  // namespace ttfm::fuzz
