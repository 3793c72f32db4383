// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "io/png.h"

#include <png.h>

#include <limits>
#include <sstream>

#include <ttfm/error.h>

#include "base/atomic_file.h"

namespace ttfm::io {
namespace {

void check(const at::Tensor& image) {
  constexpr int64_t kLongestSide = 1'000'000;  // libpng's own limit when it reads
  const bool good = image.defined() && image.is_cpu() && image.scalar_type() == at::kByte && image.dim() == 3 &&
                    (image.size(2) == 1 || image.size(2) == 3) && image.size(0) >= 1 && image.size(1) >= 1 &&
                    image.size(0) <= kLongestSide && image.size(1) <= kLongestSide &&
                    image.numel() <= std::numeric_limits<int32_t>::max();
  if (good) return;
  std::ostringstream given;
  if (image.defined())
    given << image.scalar_type() << " " << image.sizes() << " on " << image.device();
  else
    given << "an undefined tensor";
  throw Error(ErrorKind::internal,
              "a picture to encode is uint8 [height, width, 1 or 3] on the CPU, got " + given.str());
}

}  // namespace

std::string encode_png(const at::Tensor& image) {
  check(image);
  const at::Tensor pixels = image.contiguous();
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.height = static_cast<png_uint_32>(pixels.size(0));
  png.width = static_cast<png_uint_32>(pixels.size(1));
  png.format = pixels.size(2) == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;

  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(png), '\0');
  png_alloc_size_t size = bytes.size();
  if (!png_image_write_to_memory(&png, bytes.data(), &size, 0, pixels.const_data_ptr(), 0, nullptr)) {
    throw Error(ErrorKind::internal, std::string("libpng cannot encode a picture: ") + png.message);
  }
  bytes.resize(size);
  return bytes;
}

void write_png(const std::filesystem::path& path, const at::Tensor& image) {
  write_file_atomically(path, encode_png(image));
}

}  // namespace ttfm::io
