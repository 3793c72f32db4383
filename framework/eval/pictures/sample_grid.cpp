// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/sample_grid.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include <ttfm/error.h>

namespace ttfm::eval {
namespace {

constexpr int64_t kCellWidth = 56;
constexpr int64_t kSeparatorValue = 128;

void check(const at::Tensor& samples, double low, double high) {
  const bool good = samples.defined() && samples.dim() == 4 && samples.numel() > 0 &&
                    (samples.size(1) == 1 || samples.size(1) == 3) && low < high;
  if (good) return;
  std::ostringstream text;
  text << "sample_grid: expected samples [N, 1 or 3, H, W], N >= 1, in a range low < high, got ";
  if (samples.defined()) {
    text << samples.sizes();
  } else {
    text << "(undefined)";
  }
  text << " in [" << low << ", " << high << "]";
  throw Error(ErrorKind::internal, text.str());
}

}  // namespace

at::Tensor to_bytes(const at::Tensor& x, double low, double high) {
  const at::Tensor unit = (x.to(at::kFloat) - low) / (high - low);
  return at::where(at::isfinite(unit), (unit * 255).round().clamp(0, 255), 0.0f).to(at::kByte);
}

at::Tensor sample_grid(const at::Tensor& samples, double low, double high, const GridOptions& options) {
  check(samples, low, high);
  const int64_t count = samples.size(0), channels = samples.size(1);
  const int64_t wide = options.columns > 0 ? options.columns : std::llround(std::ceil(std::sqrt(count)));
  const int64_t columns = std::min(wide, count), rows = (count + columns - 1) / columns;
  const int64_t narrow_scale = (kCellWidth + samples.size(3) - 1) / samples.size(3);
  const int64_t scale = options.scale > 0 ? options.scale : narrow_scale;
  const int64_t height = samples.size(2) * scale, width = samples.size(3) * scale, gap = options.separator;

  at::Tensor cells = to_bytes(samples, low, high).to(at::kCPU).permute({0, 2, 3, 1});
  if (scale > 1) cells = cells.repeat_interleave(scale, 1).repeat_interleave(scale, 2);
  const at::Tensor grid = at::full({rows * (height + gap) - gap, columns * (width + gap) - gap, channels},
                                   kSeparatorValue, at::TensorOptions().dtype(at::kByte));
  for (int64_t i = 0; i < count; ++i) {
    const int64_t y = i / columns * (height + gap), x = i % columns * (width + gap);
    grid.narrow(0, y, height).narrow(1, x, width).copy_(cells[i]);
  }
  return grid;
}

}  // namespace ttfm::eval
