// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>

#include <jpeglib.h>
// after the library's configuration
#include <jerror.h>

#include "image.h"

namespace ttfm::image_folder {
namespace {

struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg knows it by this address
  std::jmp_buf jump;
  int64_t max_scans;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void give_up(j_common_ptr codec) {
  auto& errors = *reinterpret_cast<ErrorManager*>(codec->err);
  codec->err->format_message(codec, errors.message);
  std::longjmp(errors.jump, 1);
}

/// libjpeg goes on after lost data, with gray where it was. Warnings of that kind are errors here; others, about what
/// stands between the data, are not.
void on_message(j_common_ptr codec, int level) {
  if (level >= 0) return;
  switch (codec->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_MUST_RESYNC:
      give_up(codec);
    default:
      break;
  }
}

void on_progress(j_common_ptr codec) {
  const auto* reading = reinterpret_cast<j_decompress_ptr>(codec);
  auto& errors = *reinterpret_cast<ErrorManager*>(codec->err);
  if (reading->input_scan_number <= errors.max_scans) return;
  std::snprintf(errors.message, sizeof errors.message, "it has more than max_scans = %lld scans",
                static_cast<long long>(errors.max_scans));
  std::longjmp(errors.jump, 1);
}

class Reader {
 public:
  explicit Reader(int64_t max_scans) {
    errors_.max_scans = max_scans;
    codec_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = give_up;
    errors_.base.emit_message = on_message;
    run([this] { jpeg_create_decompress(&codec_); });
    progress_.progress_monitor = on_progress;
    codec_.progress = &progress_;
  }
  ~Reader() { jpeg_destroy_decompress(&codec_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  jpeg_decompress_struct& codec() { return codec_; }

  /// Runs `action`, out of which libjpeg may jump: it must make no object that has a destructor.
  template <class Action>
  void run(Action action) {
    if (!guarded(action)) throw BadImage(std::string("is a broken JPEG: ") + errors_.message);
  }

 private:
  template <class Action>
  bool guarded(Action& action) {
    if (setjmp(errors_.jump)) return false;
    action();
    return true;
  }

  jpeg_decompress_struct codec_{};
  ErrorManager errors_{};
  jpeg_progress_mgr progress_{};
};

}  // namespace

Image decode_jpeg(std::span<const uint8_t> bytes, const DecodeOptions& options) {
  Reader reader(options.max_scans);
  jpeg_decompress_struct& codec = reader.codec();
  reader.run([&] {
    jpeg_mem_src(&codec, bytes.data(), bytes.size());
    jpeg_read_header(&codec, TRUE);
  });
  Image image;
  image.height = codec.image_height;
  image.width = codec.image_width;
  check_size(image.height, image.width, options);
  if (codec.jpeg_color_space != JCS_GRAYSCALE && codec.jpeg_color_space != JCS_YCbCr &&
      codec.jpeg_color_space != JCS_RGB) {
    throw BadImage("is a JPEG that is neither gray nor RGB (CMYK?); convert it to RGB");
  }

  image.pixels.resize(static_cast<size_t>(image.height * image.width * 3));
  reader.run([&] {
    codec.out_color_space = JCS_RGB;
    codec.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&codec);
    while (codec.output_scanline < codec.output_height) {
      JSAMPROW row = image.pixels.data() + size_t{codec.output_scanline} * codec.output_width * 3;
      jpeg_read_scanlines(&codec, &row, 1);
    }
    jpeg_finish_decompress(&codec);
  });
  return image;
}

}  // namespace ttfm::image_folder
