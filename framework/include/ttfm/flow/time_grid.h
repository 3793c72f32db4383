// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/ops/full.h>

#include <cstdint>
#include <vector>

#include <ttfm/interface.h>

/// Times of a sampler, numbers on the host; a step is between two neighbours.
namespace ttfm::flow {

/// One time for all rows of x, [B], in x's dtype, on its device.
inline Tensor time_like(const Tensor& x, double t) { return at::full({x.size(0)}, t, x.options()); }

/// t_i = i/steps for i = 0 .. steps: from exactly 0 to exactly 1.
inline std::vector<double> uniform_grid(int64_t steps) {
  std::vector<double> grid;
  for (int64_t i = 0; i <= steps; ++i) grid.push_back(static_cast<double>(i) / static_cast<double>(steps));
  return grid;
}

/// A grid of `steps` steps with the spacing of `shape`, which rises from 0 to 1: t_i = G(i/steps), G piecewise linear
/// through the points (j/n, shape_j), n = shape.size() - 1. With steps = n it is `shape` itself.
inline std::vector<double> resampled_grid(const std::vector<double>& shape, int64_t steps) {
  const auto n = static_cast<int64_t>(shape.size()) - 1;
  std::vector<double> grid;
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t j = i * n / steps;  // in whole numbers, so that the points of `shape` are met exactly
    const double share = static_cast<double>(i * n - j * steps) / static_cast<double>(steps);
    const double left = shape[static_cast<size_t>(j)], right = shape[static_cast<size_t>(j + 1)];
    grid.push_back(left + share * (right - left));
  }
  grid.push_back(shape.back());
  return grid;
}

}  // namespace ttfm::flow
