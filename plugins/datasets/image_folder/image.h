// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <vector>

namespace ttfm::image_folder {

/// What is wrong with one image, without its file's name.
struct BadImage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An sRGB image: [height, width, 3].
struct Image {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;
};

struct DecodeOptions {
  int64_t max_pixels = int64_t{1} << 25;  ///< a larger image is refused before memory is taken for it
  int64_t max_bytes = int64_t{1} << 28;   ///< a larger file is refused before it is read
  int64_t max_scans = 100;                ///< of a progressive JPEG, which can repeat them without end
  uint8_t background = 255;               ///< what shows through transparent pixels
};

/// Decode a file's bytes. Files from anywhere: every size is bounded, and an image that is not whole is a BadImage, never
/// a picture with a gray part. Profiles, gamma and the orientation tag are not applied.
Image decode_png(std::span<const uint8_t> bytes, const DecodeOptions& options);
Image decode_jpeg(std::span<const uint8_t> bytes, const DecodeOptions& options);

/// Reads and decodes a file by what it holds, whatever its name says. Throws BadImage.
Image read_image(const std::filesystem::path& path, const DecodeOptions& options);

/// Throws BadImage for an image without pixels or with more than the options allow.
void check_size(int64_t height, int64_t width, const DecodeOptions& options);

/// Resized to `shorter_side` by averaging over areas, the aspect kept. Throws BadImage, before memory is taken, for an
/// image so long that the result would have more pixels than both the options and 16 squares of that side allow.
Image resize_shorter_side(Image image, int64_t shorter_side, const DecodeOptions& options);

}  // namespace ttfm::image_folder
