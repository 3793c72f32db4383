// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cmath>
#include <numbers>

#include <ttfm/flow/interpolate.h>

namespace ttfm::flow {

/// Data x_1 ~ N(mean, sigma^2 I), for which the flow and its map are known in closed form. An oracle for every loss:
/// with sigma = 0.3 and a mean off the origin wrong formulas show, with sigma near 1 and mean 0 many do not.
///
/// On the linear path x_t ~ N(t m, a_t^2 I), a_t^2 = (1-t)^2 + t^2 sigma^2. Results have x's shape, dtype and device;
/// the mean must have them too (to()).
struct Gaussian {
  Tensor mean;       ///< the shape of one sample, or any that broadcasts to it
  double sigma = 1;  ///< > 0

  /// The same distribution with its mean in the given dtype, on the given device.
  Gaussian to(const at::TensorOptions& options) const { return {mean.to(options, /*non_blocking=*/true), sigma}; }

  /// a_t, [B].
  Tensor scale(const Tensor& t) const { return ((1 - t).square() + (t * sigma).square()).sqrt(); }

  /// v_t(x) = E[x_1 - x_0 | x_t = x] = m + ((t sigma^2 - (1-t)) / a_t^2) (x - t m)
  Tensor velocity(const Tensor& x, const Tensor& t) const {
    const Tensor slope = (t * (sigma * sigma) - (1 - t)) / scale(t).square();
    return mean + per_row(slope, x) * (x - per_row(t, x) * mean);
  }

  /// u_{s,t}(x) = (phi_{s,t}(x) - x)/(t-s), written without 0/0; at s = t it is v_t(x):
  ///   u_{s,t}(x) = m + (((1+sigma^2)(s+t) - 2) / ((a_t+a_s) a_s)) (x - s m)
  Tensor average_velocity(const Tensor& x, const Tensor& s, const Tensor& t) const {
    const Tensor a_s = scale(s), a_t = scale(t);
    const Tensor slope = ((1 + sigma * sigma) * (s + t) - 2) / ((a_t + a_s) * a_s);
    return mean + per_row(slope, x) * (x - per_row(s, x) * mean);
  }

  /// phi_{s,t}(x) = t m + (a_t/a_s) (x - s m)
  Tensor map(const Tensor& x, const Tensor& s, const Tensor& t) const {
    return per_row(t, x) * mean + per_row(scale(t) / scale(s), x) * (x - per_row(s, x) * mean);
  }

  /// log N(x; m, sigma^2 I) of each row, the density of the data (t = 1): [B]. With D elements in a row:
  ///   -|x - m|^2 / (2 sigma^2) - D log sigma - (D/2) log(2 pi)
  Tensor log_density(const Tensor& x) const {
    const Tensor distance = ((x - mean) / sigma).square().flatten(1);
    const auto elements = static_cast<double>(distance.size(1));
    return -0.5 * distance.sum(1) - elements * (std::log(sigma) + 0.5 * std::log(2 * std::numbers::pi));
  }
};

}  // namespace ttfm::flow
