// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "datasets/image_folder/image.h"
#include "fuzz/fuzz.h"

namespace ttfm::fuzz {

/// Small, so that a thousand images a second are decoded and a larger one is a refusal.
inline constexpr int64_t kMostPixels = 1 << 16;

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
    return image;
  } catch (const image_folder::BadImage&) {
    return {};
  }
}

}  // namespace ttfm::fuzz
