// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/huber_loss.h>

#include <array>
#include <cstdint>

#include <ttfm/interface.h>

/// The linear path between noise and data, and the distances that losses measure on it.
///
/// Throughout flow/: x is [B, ...], a time is [B], t = 0 is noise and t = 1 is data; everything is differentiable and
/// stays on its device.
namespace ttfm::flow {

/// A value for each row, [B], as [B, 1, ..., 1], so that it broadcasts against x [B, ...].
inline Tensor per_row(const Tensor& value, const Tensor& x) {
  constexpr int64_t kMaxRank = 16;
  std::array<int64_t, kMaxRank> shape;
  shape.fill(1);
  shape[0] = -1;
  return value.view(at::IntArrayRef(shape.data(), static_cast<size_t>(x.dim())));
}

/// The linear path, its velocity x_1 - x_0:
///   x_t = (1-t) x_0 + t x_1
/// Source: Lipman et al. 2023, arXiv 2210.02747, with sigma_min = 0; Liu et al. 2023, arXiv 2209.03003.
inline Tensor interpolate(const Tensor& x_0, const Tensor& x_1, const Tensor& t) {
  return x_0 + per_row(t, x_0) * (x_1 - x_0);
}

/// Where the velocity u, mean over [s, t], takes x from time s to time t; with u = u_{s,t}(x) it is phi_{s,t}(x):
///   x + (t-s) u
inline Tensor advance(const Tensor& x, const Tensor& s, const Tensor& t, const Tensor& u) {
  return x + per_row(t - s, x) * u;
}

/// The mean over all elements of each row: [B, ...] -> [B].
inline Tensor row_mean(const Tensor& x) { return x.flatten(1).mean(1); }

/// |a - b|^2 of each row, divided by the number of its elements: [B].
inline Tensor square_error(const Tensor& a, const Tensor& b) { return row_mean((a - b).square()); }

/// The Huber distance of each row, divided by the number of its elements: [B]. For each element d = a - b:
///   d^2 where |d| <= delta,  delta (2 |d| - delta) beyond
/// Twice at::huber_loss, so that it is square_error where d is small. `delta` > 0.
inline Tensor huber_error(const Tensor& a, const Tensor& b, double delta) {
  return row_mean(2 * at::huber_loss(a, b, at::Reduction::None, delta));
}

}  // namespace ttfm::flow
