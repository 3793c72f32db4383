// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/panels.h"

#include <algorithm>

#include <ttfm/error.h>

#include "eval/pictures/canvas.h"
#include "eval/pictures/font.h"

namespace ttfm::eval {
namespace {

constexpr int64_t kGap = 10;  // between panels, and around all
constexpr int64_t kTextScale = 2;
constexpr int64_t kCaption = font::kHeight * kTextScale + 6;  // height of a caption and the space below it

std::string shortened(const std::string& caption, int64_t width) {
  std::string line = caption;
  while (!line.empty() && font::width_of(line) * kTextScale > width) line.pop_back();
  return line;
}

}  // namespace

at::Tensor side_by_side(const std::vector<Panel>& panels, int64_t columns) {
  if (panels.empty()) throw Error(ErrorKind::internal, "side_by_side: no panels");
  const auto count = static_cast<int64_t>(panels.size());
  columns = columns < 1 ? count : std::min(columns, count);
  const int64_t rows = (count + columns - 1) / columns;
  int64_t height = 0, width = 0;
  for (const Panel& panel : panels) {
    height = std::max(height, panel.picture.size(0));
    width = std::max(width, panel.picture.size(1));
  }

  Canvas canvas(rows * (kCaption + height + kGap) + kGap, columns * (width + kGap) + kGap, colours::kWhite);
  for (int64_t i = 0; i < count; ++i) {
    const Panel& panel = panels[static_cast<size_t>(i)];
    const int64_t y = kGap + i / columns * (kCaption + height + kGap);
    const int64_t x = kGap + i % columns * (width + kGap);
    const std::string line = shortened(panel.caption, width);
    canvas.text(y, x + (panel.picture.size(1) - font::width_of(line) * kTextScale) / 2, line, colours::kInk,
                kTextScale);
    canvas.paste(y + kCaption, x, panel.picture);
  }
  return canvas.picture();
}

}  // namespace ttfm::eval
