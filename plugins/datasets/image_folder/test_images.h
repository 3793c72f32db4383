// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <png.h>
#include <zlib.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <jpeglib.h>

/// Files for the tests of this folder.
namespace ttfm::image_folder::test_images {

using Bytes = std::vector<uint8_t>;

struct PngParts {
  uint32_t width = 0, height = 0;
  int colour = PNG_COLOR_TYPE_RGB;
  int depth = 8;
  Bytes rows;                        ///< as they are stored: big-endian where 16 bits
  std::vector<png_color> palette{};  ///< of PNG_COLOR_TYPE_PALETTE
  Bytes palette_alpha{};
  bool interlaced = false;
};

inline Bytes png(const PngParts& parts) {
  Bytes out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &out,
      [](png_structp file, png_bytep data, png_size_t size) {
        auto& bytes = *static_cast<Bytes*>(png_get_io_ptr(file));
        bytes.insert(bytes.end(), data, data + size);
      },
      nullptr);
  png_set_IHDR(png, info, parts.width, parts.height, parts.depth, parts.colour,
               parts.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  if (!parts.palette.empty()) png_set_PLTE(png, info, parts.palette.data(), static_cast<int>(parts.palette.size()));
  if (!parts.palette_alpha.empty()) {
    png_set_tRNS(png, info, parts.palette_alpha.data(), static_cast<int>(parts.palette_alpha.size()), nullptr);
  }
  png_write_info(png, info);
  const size_t row_bytes = png_get_rowbytes(png, info);
  std::vector<png_bytep> rows;
  for (uint32_t y = 0; y < parts.height; ++y) rows.push_back(const_cast<png_bytep>(parts.rows.data()) + y * row_bytes);
  png_write_image(png, rows.data());
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return out;
}

/// Gives each whole chunk of a PNG the checksum of what it holds now: its type and data.
inline void mend_checksums(Bytes& bytes) {
  const auto number = [&bytes](size_t at) {
    return size_t{bytes[at]} << 24 | size_t{bytes[at + 1]} << 16 | size_t{bytes[at + 2]} << 8 | bytes[at + 3];
  };
  for (size_t at = 8; at + 12 <= bytes.size();) {  // behind the magic: length, type, data, checksum
    const size_t length = number(at);
    if (length > bytes.size() - at - 12) return;
    const auto sum = crc32(0, bytes.data() + at + 4, static_cast<uInt>(length + 4));
    for (size_t i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
    at += 12 + length;
  }
}

/// A PNG of one colour.
inline Bytes png_of(uint32_t width, uint32_t height, uint8_t red, uint8_t green, uint8_t blue) {
  PngParts parts{.width = width, .height = height, .rows = {}};
  for (uint32_t i = 0; i < width * height; ++i) parts.rows.insert(parts.rows.end(), {red, green, blue});
  return png(parts);
}

/// A JPEG of `rows` [height, width, channels]: 1 gray, 3 RGB, 4 CMYK; `scans`: instead of libjpeg's own.
inline Bytes jpeg(uint32_t width, uint32_t height, int channels, const Bytes& rows, bool progressive = false,
                  const std::vector<jpeg_scan_info>& scans = {}) {
  jpeg_compress_struct codec{};
  jpeg_error_mgr errors{};
  codec.err = jpeg_std_error(&errors);
  jpeg_create_compress(&codec);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&codec, &data, &size);
  codec.image_width = width;
  codec.image_height = height;
  codec.input_components = channels;
  codec.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&codec);
  jpeg_set_quality(&codec, 95, TRUE);
  if (progressive) jpeg_simple_progression(&codec);
  if (!scans.empty()) {
    codec.scan_info = scans.data();
    codec.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&codec, TRUE);
  while (codec.next_scanline < height) {
    auto* row = const_cast<JSAMPROW>(rows.data()) + size_t{codec.next_scanline} * width * static_cast<size_t>(channels);
    jpeg_write_scanlines(&codec, &row, 1);
  }
  jpeg_finish_compress(&codec);
  Bytes out(data, data + size);
  jpeg_destroy_compress(&codec);
  std::free(data);
  return out;
}

/// Smooth values with some structure.
inline Bytes pattern(uint32_t width, uint32_t height, int channels) {
  Bytes rows;
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      for (int c = 0; c < channels; ++c)
        rows.push_back(static_cast<uint8_t>(40 + 2 * x + 3 * y + 20 * static_cast<uint32_t>(c)));
    }
  }
  return rows;
}

inline void write(const std::filesystem::path& path, const Bytes& bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace ttfm::image_folder::test_images
