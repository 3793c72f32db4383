// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/ScalarType.h>

#include <cmath>
#include <limits>

#include <ttfm/field.h>
#include <ttfm/flow/interpolate.h>

/// The derivative of a flow map in its later time, phi_{s,t}(x) = x + (t-s) u_{s,t}(x).
namespace ttfm::flow {

/// u_{s,t}(x) and d/dt u_{s,t}(x), differentiable as FlowMap::derivative; the tangent is always defined.
inline Dual time_derivative(const FlowMap& map, const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
  Dual u = map.derivative(x, s, t, {.dx = {}, .ds = {}, .dt = at::ones_like(t)}, call);
  if (!u.tangent.defined()) u.tangent = at::zeros_like(u.primal);
  return u;
}

/// The same by a difference, for maps whose derivative is dear: three evaluations in one batch.
///   d/dt u = (u_{s,t+} - u_{s,t-}) / (t+ - t-),   t+ = min(t + d, 1),  t- = max(t - d, s)
/// Central, with an error of order d^2, except within d of t = s and t = 1, where it is one-sided so that the map is
/// only asked for s <= t <= 1. d is the cube root of the dtype's rounding, where both errors are alike; 0 at t = s = 1.
inline Dual time_difference(const FlowMap& map, const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
  const bool is_double = x.scalar_type() == c10::ScalarType::Double;
  const double rounding = is_double ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  const double d = std::cbrt(rounding);
  const Tensor later = (t + d).clamp_max(1), earlier = (t - d).max(s);
  const auto [u, u_later, u_earlier] = map.velocities({{x, s, t, &call}, {x, s, later, &call}, {x, s, earlier, &call}});
  return {u, (u_later - u_earlier) / per_row((later - earlier).clamp_min(rounding), x)};
}

/// The velocity of the flow map at its end, the left side of the Lagrangian equation d/dt phi_{s,t} = v_t(phi_{s,t}):
///   d/dt phi_{s,t}(x) = u_{s,t}(x) + (t-s) d/dt u_{s,t}(x)
/// Source: Boffi, Albergo, Vanden-Eijnden 2024, arXiv 2406.07507.
inline Tensor terminal_velocity(const Dual& u, const Tensor& s, const Tensor& t) {
  return u.primal + per_row(t - s, u.primal) * u.tangent;
}

}  // namespace ttfm::flow
