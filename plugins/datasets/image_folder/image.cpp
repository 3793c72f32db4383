// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "image.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string>

#include <ttfm/io/area_resize.h>

namespace ttfm::image_folder {
namespace {

std::vector<uint8_t> read_file(const std::filesystem::path& path, int64_t max_bytes) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw BadImage("cannot be opened: " + error.message());
  if (size > static_cast<uintmax_t>(max_bytes)) {
    throw BadImage("has " + std::to_string(size) + " bytes, more than max_bytes = " + std::to_string(max_bytes));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw BadImage(std::string("cannot be opened: ") + std::strerror(errno));
  std::vector<uint8_t> bytes(size);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!file) throw BadImage("cannot be read to its end");
  return bytes;
}

bool starts_with(std::span<const uint8_t> bytes, std::initializer_list<uint8_t> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

}  // namespace

Image read_image(const std::filesystem::path& path, const DecodeOptions& options) {
  const std::vector<uint8_t> bytes = read_file(path, options.max_bytes);
  if (starts_with(bytes, {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'})) return decode_png(bytes, options);
  if (starts_with(bytes, {0xff, 0xd8, 0xff})) return decode_jpeg(bytes, options);
  throw BadImage(bytes.empty() ? "is empty" : "is neither PNG nor JPEG");
}

void check_size(int64_t height, int64_t width, const DecodeOptions& options) {
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (height < 1 || width < 1) throw BadImage("has " + size);
  if (height > options.max_pixels / width) {
    throw BadImage("has " + size + ", more than max_pixels = " + std::to_string(options.max_pixels));
  }
}

Image resize_shorter_side(Image image, int64_t shorter_side, const DecodeOptions& options) {
  constexpr int64_t kMostSquares = 16;  // of what is cut out of the result
  const double scale = static_cast<double>(shorter_side) / static_cast<double>(std::min(image.height, image.width));
  const auto scaled = [&](int64_t side) {
    return std::max<int64_t>(shorter_side, std::llround(scale * static_cast<double>(side)));
  };
  const int64_t height = scaled(image.height), width = scaled(image.width);
  if (height == image.height && width == image.width) return image;
  const int64_t limit = std::max(options.max_pixels, kMostSquares * shorter_side * shorter_side);
  if (height > limit / width) {
    throw BadImage("has " + std::to_string(image.width) + " x " + std::to_string(image.height) +
                   " pixels, which a shorter side of " + std::to_string(shorter_side) + " makes " +
                   std::to_string(width) + " x " + std::to_string(height) + ", more than the limit of " +
                   std::to_string(limit) + " pixels");
  }
  return {height, width, io::area_resize(image.pixels.data(), image.height, image.width, 3, height, width)};
}

}  // namespace ttfm::image_folder
