// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/canvas.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

#include "eval/pictures/font.h"

namespace ttfm::eval {

Canvas::Canvas(int64_t height, int64_t width, Colour background) : height_(height), width_(width) {
  pixels_ = at::empty({height, width, 3}, at::TensorOptions().dtype(at::kByte));
  data_ = pixels_.mutable_data_ptr<uint8_t>();
  fill(0, 0, height, width, background);
}

void Canvas::fill(int64_t y, int64_t x, int64_t height, int64_t width, Colour colour) {
  for (int64_t i = std::max<int64_t>(y, 0); i < std::min(y + height, height_); ++i) {
    for (int64_t j = std::max<int64_t>(x, 0); j < std::min(x + width, width_); ++j) {
      uint8_t* pixel = data_ + 3 * (i * width_ + j);
      pixel[0] = colour.red;
      pixel[1] = colour.green;
      pixel[2] = colour.blue;
    }
  }
}

void Canvas::blend(int64_t y, int64_t x, Colour colour, double opacity) {
  if (y < 0 || y >= height_ || x < 0 || x >= width_) return;
  uint8_t* pixel = data_ + 3 * (y * width_ + x);
  const auto mix = [opacity](uint8_t& below, uint8_t above) {
    below = static_cast<uint8_t>(std::lround(below + opacity * (above - below)));
  };
  mix(pixel[0], colour.red);
  mix(pixel[1], colour.green);
  mix(pixel[2], colour.blue);
}

void Canvas::paste(int64_t y, int64_t x, const at::Tensor& picture) {
  pixels_.narrow(0, y, picture.size(0)).narrow(1, x, picture.size(1)).copy_(picture);
}

void Canvas::text(int64_t y, int64_t x, const std::string& line, Colour colour, int64_t scale) {
  for (const char letter : line) {
    const font::Glyph& glyph = font::glyph(letter);
    for (int64_t i = 0; i < font::kHeight; ++i) {
      for (int64_t j = 0; j < font::kWidth; ++j) {
        const bool inked = glyph[static_cast<size_t>(i)] >> (font::kWidth - 1 - j) & 1;
        if (inked) fill(y + i * scale, x + j * scale, scale, scale, colour);
      }
    }
    x += font::kAdvance * scale;
  }
}

}  // namespace ttfm::eval
