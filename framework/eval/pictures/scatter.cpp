// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/scatter.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "eval/pictures/canvas.h"
#include "eval/pictures/colour_map.h"
#include "eval/rows.h"

namespace ttfm::eval {
namespace {

constexpr double kMargin = 0.12;
constexpr int64_t kMostPoints = 8192;
constexpr double kRadius = 1.2;  // of a disc, in pixels
constexpr double kOpacity = 0.45;
constexpr int64_t kCell = 4;

void frame(Canvas& canvas) {
  const int64_t height = canvas.height(), width = canvas.width();
  canvas.fill(0, 0, 1, width, colours::kFrame);
  canvas.fill(height - 1, 0, 1, width, colours::kFrame);
  canvas.fill(0, 0, height, 1, colours::kFrame);
  canvas.fill(0, width - 1, height, 1, colours::kFrame);
}

/// A disc with soft edges: a pixel is covered by as much of it as its centre is inside, up to half a pixel beyond.
void disc(Canvas& canvas, double y, double x) {
  const auto reach = static_cast<int64_t>(std::ceil(kRadius + 0.5));
  const auto row = static_cast<int64_t>(std::floor(y)), column = static_cast<int64_t>(std::floor(x));
  for (int64_t i = row - reach; i <= row + reach; ++i) {
    for (int64_t j = column - reach; j <= column + reach; ++j) {
      const double distance = std::hypot(static_cast<double>(i) + 0.5 - y, static_cast<double>(j) + 0.5 - x);
      const double cover = std::clamp(kRadius + 0.5 - distance, 0.0, 1.0);
      if (cover > 0) canvas.blend(i, j, colours::kPoint, kOpacity * cover);
    }
  }
}

at::Tensor shares(const at::Tensor& points, const Domain& domain, int64_t size) {
  const at::Tensor counts = histogram(points, domain, std::max<int64_t>(size / kCell, 1));
  return counts.to(at::kDouble) / static_cast<double>(points.size(0));
}

}  // namespace

Domain picture_domain(const at::Tensor& data) {
  Domain domain = domain_of(data, kMargin);
  const double side = std::max(domain.high[0] - domain.low[0], domain.high[1] - domain.low[1]);
  for (size_t axis = 0; axis < 2; ++axis) {
    const double centre = (domain.low[axis] + domain.high[axis]) / 2;
    domain.low[axis] = centre - side / 2;
    domain.high[axis] = centre + side / 2;
  }
  return domain;
}

at::Tensor scatter_picture(const at::Tensor& points, const Domain& domain, int64_t size) {
  Canvas canvas(size, size, colours::kWhite);
  const at::Tensor shown =
      rows_of(points, 0, std::min(points.size(0), kMostPoints)).to(at::kCPU, at::kDouble).contiguous();
  const double* at_point = shown.const_data_ptr<double>();
  for (int64_t i = 0; i < shown.size(0); ++i, at_point += 2) {
    const double x = (at_point[0] - domain.low[0]) / (domain.high[0] - domain.low[0]);
    const double y = (at_point[1] - domain.low[1]) / (domain.high[1] - domain.low[1]);
    const bool inside = x >= 0 && x <= 1 && y >= 0 && y <= 1;  // false for NaN
    if (inside) disc(canvas, (1 - y) * static_cast<double>(size), x * static_cast<double>(size));
  }
  frame(canvas);
  return canvas.picture();
}

at::Tensor density_picture(const at::Tensor& points, const Domain& domain, double peak, int64_t size) {
  const at::Tensor share = shares(points, domain, size).contiguous();
  const int64_t bins = share.size(0);
  const double* at_cell = share.const_data_ptr<double>();
  Canvas canvas(size, size, viridis(0));
  for (int64_t i = 0; i < size; ++i) {
    const int64_t row = bins - 1 - i * bins / size;  // the histogram's rows go upwards
    for (int64_t j = 0; j < size; ++j) {
      canvas.fill(i, j, 1, 1, viridis(std::sqrt(at_cell[row * bins + j * bins / size] / peak)));
    }
  }
  return canvas.picture();
}

double density_peak(const at::Tensor& points, const Domain& domain, int64_t size) {
  const double least = 1 / static_cast<double>(points.size(0));
  return std::max(value_of(shares(points, domain, size).max()), least);
}

}  // namespace ttfm::eval
