// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <ttfm/field.h>
#include <ttfm/random.h>

/// Measures of a flow map along its trajectories. Each is the root of the mean over samples of the squared 2-norm of a
/// whole sample, evaluated in batches without recording gradients.
namespace ttfm::eval {

/// phi_{0,1}(x_0) in `hops` equal hops, phi_{k/N,(k+1)/N} after each other. x_0: [N, ...]; label: int64 [N] or undefined.
at::Tensor compose(const FlowMap& phi, const at::Tensor& x_0, const at::Tensor& label, int64_t hops, int64_t batch);

/// sqrt( E | phi_{0,1}(x_0) - N-hop(x_0) |^2 ): 0 where the semigroup property holds on the grid of N hops.
double composition_gap(const FlowMap& phi, const at::Tensor& x_0, const at::Tensor& label, int64_t hops, int64_t batch);

/// Points of the data path to measure on: x_s = (1-s) x_0 + s x_1, all [N, ...].
struct PathPoints {
  at::Tensor x_s, s, t;  ///< s and t [N], uniform on the triangle 0 <= s <= t <= 1
  at::Tensor label;      ///< of x_1; may be undefined
};
PathPoints draw_path(const at::Tensor& x_0, const at::Tensor& x_1, const at::Tensor& label, const Stream& stream);

/// sqrt( E | u_{s,s}(x_s) - v_s(x_s) |^2 ).
double initial_velocity_error(const FlowMap& student, const Field& teacher, const PathPoints& points, int64_t batch);

/// sqrt( E | u_{s,t}(x_s) + (t-s) d/dt u_{s,t}(x_s) - v_t(phi_{s,t}(x_s)) |^2 ), the residual of the Lagrangian equation.
double lagrangian_residual(const FlowMap& student, const Field& teacher, const PathPoints& points, int64_t batch);

}  // namespace ttfm::eval
