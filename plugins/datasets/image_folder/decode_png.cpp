// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <png.h>

#include <cstring>
#include <string>

#include "image.h"

namespace ttfm::image_folder {
namespace {

struct Input {
  std::span<const uint8_t> bytes;
  size_t position = 0;
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : input_{bytes} {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, message_, &Reader::on_error, &Reader::on_warning);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) {
      png_destroy_read_struct(&png_, nullptr, nullptr);
      throw BadImage("cannot be decoded: libpng could not be started");
    }
    png_set_read_fn(png_, &input_, &Reader::on_read);
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  png_structp png() const { return png_; }
  png_infop info() const { return info_; }

  /// Runs `action`, in which libpng may jump out: it must make no object that has a destructor.
  template <class Action>
  void run(Action action) {
    if (!guarded(action)) throw BadImage(std::string("is a broken PNG: ") + message_);
  }

 private:
  template <class Action>
  bool guarded(Action& action) {
    if (setjmp(png_jmpbuf(png_))) return false;
    action();
    return true;
  }

  static void on_error(png_structp png, png_const_charp text) {
    char* message = static_cast<char*>(png_get_error_ptr(png));
    std::strncpy(message, text, kMessageSize - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}

  static void on_read(png_structp png, png_bytep out, png_size_t size) {
    auto& input = *static_cast<Input*>(png_get_io_ptr(png));
    if (size > input.bytes.size() - input.position) png_error(png, "it is truncated");
    std::memcpy(out, input.bytes.data() + input.position, size);
    input.position += size;
  }

  static constexpr size_t kMessageSize = 200;
  char message_[kMessageSize] = {};
  Input input_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Image decode_png(std::span<const uint8_t> bytes, const DecodeOptions& options) {
  Reader reader(bytes);
  const png_structp png = reader.png();
  const png_infop info = reader.info();
  reader.run([&] {
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);  // also of what says which pixels are transparent
    // text, profiles and the like are passed over, so that they take no memory; the image's size is judged below
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_read_info(png, info);
  });

  Image image;
  image.height = png_get_image_height(png, info);
  image.width = png_get_image_width(png, info);
  check_size(image.height, image.width, options);
  // deflate makes at most 1032 bytes of one: a header that promises more lies
  if (png_get_rowbytes(png, info) * static_cast<size_t>(image.height) / 1032 > bytes.size()) {
    throw BadImage("is a broken PNG: its header promises " + std::to_string(image.width) + " x " +
                   std::to_string(image.height) + " pixels, which a file of " + std::to_string(bytes.size()) +
                   " bytes cannot hold");
  }

  // palette, gray, 1 to 16 bits, with or without transparency: all become 8-bit RGBA
  size_t row_bytes = 0;
  reader.run([&] {
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_add_alpha(png, 0xff, PNG_FILLER_AFTER);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    row_bytes = png_get_rowbytes(png, info);
  });
  if (row_bytes != static_cast<size_t>(image.width) * 4) throw BadImage("is a PNG of a kind that is not supported");

  std::vector<uint8_t> rgba(row_bytes * static_cast<size_t>(image.height));
  std::vector<png_bytep> rows;
  for (int64_t row = 0; row < image.height; ++row) rows.push_back(rgba.data() + static_cast<size_t>(row) * row_bytes);
  reader.run([&] {
    png_read_image(png, rows.data());
    png_read_end(png, nullptr);
  });

  image.pixels.resize(rgba.size() / 4 * 3);
  uint8_t* to = image.pixels.data();
  for (const uint8_t* from = rgba.data(); from != rgba.data() + rgba.size(); from += 4) {
    const unsigned alpha = from[3], behind = (255 - alpha) * options.background;
    for (int channel = 0; channel < 3; ++channel) {
      *to++ = static_cast<uint8_t>((alpha * from[channel] + behind + 127) / 255);
    }
  }
  return image;
}

}  // namespace ttfm::image_folder
