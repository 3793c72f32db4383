// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace ttfm::eval {

/// A box in the plane: what a histogram counts, and what a picture shows.
struct Domain {
  std::array<double, 2> low{};
  std::array<double, 2> high{};
};

/// The box around `points` [N, 2], each side moved outwards by `margin` of its length.
/// Throws ttfm::Error (data) if a coordinate is not finite or there are no points.
Domain domain_of(const at::Tensor& points, double margin);

/// How many points [N, 2] fall in each of bins x bins cells of the domain: int64 [bins, bins] in host memory, the first
/// index along y from low to high, the second along x. The domain's upper edges belong to the last cells; points
/// outside of it, or not finite, are in none.
at::Tensor histogram(const at::Tensor& points, const Domain& domain, int64_t bins);

}  // namespace ttfm::eval
