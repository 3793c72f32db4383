// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/histogram.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/where.h>

#include <cmath>
#include <sstream>

#include <ttfm/error.h>

#include "eval/rows.h"

namespace ttfm::eval {
namespace {

void check_points(const char* where, const Tensor& points) {
  if (points.defined() && points.dim() == 2 && points.size(0) >= 1 && points.size(1) == 2) return;
  std::ostringstream text;
  text << where << ": got ";
  if (points.defined()) {
    text << points.sizes();
  } else {
    text << "(undefined)";
  }
  text << ", expected points [N, 2] with N >= 1";
  throw Error(ErrorKind::data, text.str());
}

}  // namespace

Domain domain_of(const Tensor& points, double margin) {
  check_points("domain of points", points);
  Domain domain;
  for (const int64_t axis : {0, 1}) {
    const Tensor coordinate = points.select(1, axis);
    const double low = value_of(coordinate.min()), high = value_of(coordinate.max());
    if (!std::isfinite(low) || !std::isfinite(high)) {
      throw Error(ErrorKind::data, "domain of points: a coordinate of the true samples is not finite");
    }
    const double length = high > low ? high - low : 1;  // points on a line still get a box
    domain.low[static_cast<size_t>(axis)] = low - margin * length;
    domain.high[static_cast<size_t>(axis)] = high + margin * length;
  }
  return domain;
}

Tensor histogram(const Tensor& points, const Domain& domain, int64_t bins) {
  check_points("histogram", points);
  const auto cells_along = [&](size_t axis, Tensor& inside) {
    const Tensor x = points.select(1, static_cast<int64_t>(axis)).to(at::kCPU, at::kDouble);
    const Tensor within = (x >= domain.low[axis]).logical_and(x <= domain.high[axis]);
    inside = inside.defined() ? inside.logical_and(within) : within;
    const double scale = static_cast<double>(bins) / (domain.high[axis] - domain.low[axis]);
    const Tensor cell = at::where(within, (x - domain.low[axis]) * scale, 0.0);
    return cell.floor().to(at::kLong).clamp_max(bins - 1);
  };
  Tensor inside;
  const Tensor column = cells_along(0, inside);
  const Tensor row = cells_along(1, inside);
  const Tensor cell = at::where(inside, row * bins + column, bins * bins);  // the last cell takes what lies outside
  return at::bincount(cell, {}, bins * bins + 1).narrow(0, 0, bins * bins).view({bins, bins});
}

}  // namespace ttfm::eval
