// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace ttfm::eval {

struct Colour {
  uint8_t red = 0, green = 0, blue = 0;
};

namespace colours {
inline constexpr Colour kWhite = {255, 255, 255};
inline constexpr Colour kInk = {45, 48, 56};       // captions
inline constexpr Colour kFrame = {205, 208, 214};  // around panels
inline constexpr Colour kPoint = {33, 84, 168};
}  // namespace colours

/// A picture to draw on: y down, x to the right, from the upper left corner. Whatever lies outside is not drawn.
class Canvas {
 public:
  Canvas(int64_t height, int64_t width, Colour background);

  int64_t height() const { return height_; }
  int64_t width() const { return width_; }

  void fill(int64_t y, int64_t x, int64_t height, int64_t width, Colour colour);

  /// Mixes a pixel with `colour`; opacity in [0, 1].
  void blend(int64_t y, int64_t x, Colour colour, double opacity);

  /// A picture uint8 [h, w, 1 or 3] in host memory, which has to fit.
  void paste(int64_t y, int64_t x, const at::Tensor& picture);

  /// A line of text (font.h), each of its pixels `scale` wide; y, x is its upper left corner.
  void text(int64_t y, int64_t x, const std::string& line, Colour colour, int64_t scale);

  /// uint8 [height, width, 3]; shares memory with the canvas.
  const at::Tensor& picture() const { return pixels_; }

 private:
  int64_t height_, width_;
  at::Tensor pixels_;
  uint8_t* data_;
};

}  // namespace ttfm::eval
