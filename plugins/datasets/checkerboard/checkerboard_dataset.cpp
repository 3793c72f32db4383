// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "checkerboard_dataset.h"

#include <ATen/ops/full_like.h>
#include <ATen/ops/where.h>

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ttfm/io/samples.h>

namespace ttfm {

CheckerboardDataset::CheckerboardDataset(const Options& options)
    : options_(options), side_(2 * options.extent / static_cast<double>(options.squares)) {
  for (int64_t row = 0; row < options.squares; ++row) {
    for (int64_t column = row % 2; column < options.squares; column += 2) dark_.emplace_back(column, row);
  }
}

const void* CheckerboardDataset::query(uint32_t id) const noexcept {
  return id == interface_id::kDensity ? static_cast<const Density*>(this) : nullptr;
}

void CheckerboardDataset::traits(DatasetTraits& out) const {
  out.rank = 1;
  out.shape[0] = 2;
  out.classes = 0;
  std::fill_n(out.size, 3, DatasetTraits::kEndless);
  out.type = DatasetTraits::kFloat;
  out.low = static_cast<float>(-options_.extent);
  out.high = static_cast<float>(options_.extent);
}

/// x = -extent + side (i + u), with (i, j) one of the dark squares and u uniform in [0, 1)^2.
void CheckerboardDataset::read(const ReadRequest& request) const {
  const auto coordinate = [this](int64_t square, float u) {
    const double low = -options_.extent + side_ * static_cast<double>(square);
    // rounding to float may lift a point onto the next square's edge, where the density is 0
    const auto below = std::nextafter(static_cast<float>(low + side_), -std::numeric_limits<float>::infinity());
    return std::min(static_cast<float>(low + side_ * static_cast<double>(u)), below);
  };
  io::for_each_run(request, [&](int64_t position, int64_t count, const Stream& stream) {
    const Tensor pick = stream.child("square").integers({count}, static_cast<int64_t>(dark_.size()));
    const Tensor place = stream.child("place").uniform({count, 2});
    const int64_t* k = pick.const_data_ptr<int64_t>();
    const float* u = place.const_data_ptr<float>();
    float* x = static_cast<float*>(request.x) + 2 * position;
    for (int64_t row = 0; row < count; ++row, u += 2, x += 2) {
      const auto [i, j] = dark_[static_cast<size_t>(k[row])];
      x[0] = coordinate(i, u[0]);
      x[1] = coordinate(j, u[1]);
    }
  });
}

/// log p(x) = -log(dark squares * side^2) on a dark square, -inf elsewhere.
Tensor CheckerboardDataset::log_density(const Tensor& x) const {
  const Tensor square = ((x + options_.extent) / side_).floor();
  const Tensor inside = ((square >= 0) & (square < options_.squares)).all(1);
  const Tensor dark = square.sum(1).remainder(2) == 0;
  const double log_p = -std::log(static_cast<double>(dark_.size()) * side_ * side_);
  const Tensor zero = at::full_like(x.select(1, 0), -std::numeric_limits<double>::infinity());
  return at::where(inside & dark, at::full_like(zero, log_p), zero);
}

}  // namespace ttfm
