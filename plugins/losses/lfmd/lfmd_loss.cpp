// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "lfmd_loss.h"

#include <ATen/TensorOperators.h>

#include <ttfm/flow/flow_map.h>
#include <ttfm/flow/interpolate.h>

namespace ttfm::loss {

void LfmdLoss::needs(LossNeeds& out) const {
  out.teacher = true;
  out.teacher_x_gradient = options_.stop_gradient == StopGradient::none;
  out.derivative = true;
}

/// Lagrangian flow map distillation (Boffi, Albergo, Vanden-Eijnden 2024, arXiv 2406.07507, there LMD).
///   x_s = (1-s) x_0 + s x_1;  phi_{s,t}(x) = x + (t-s) u_{s,t}(x);  0 <= s <= t <= 1
///   terminal = E w(s,t) | u_{s,t}(x_s) + (t-s) d/dt u_{s,t}(x_s) - v_t(phi_{s,t}(x_s)) |^2
///   initial  = E | u_{s,s}(x_s) - v_s(x_s) |^2
///   L        = terminal + lambda_init * initial
/// The gradient flows through everything, the time derivative and the teacher's input included; with stop_gradient =
/// teacher not through phi inside v.
void LfmdLoss::compute(const LossInputs& in, const LossResult& out) const {
  const auto [s, t] = options_.time.draw(in);
  const Tensor x_s = flow::interpolate(in.x_0(), in.x_1(), s);
  out.record("s", s);
  out.record("t", t);

  const Dual u = flow::time_derivative(in.student(), x_s, s, t, in.call());
  const Tensor phi = flow::advance(x_s, s, t, u.primal);
  const bool stop = options_.stop_gradient == StopGradient::teacher;
  const Tensor v_t = in.teacher().velocity(stop ? phi.detach() : phi, t, in.call());
  out.add("terminal", weighted(distance(flow::terminal_velocity(u, s, t), v_t), s, t));

  if (options_.lambda_init > 0) {
    const Tensor u_initial = in.student().velocity(x_s, s, s, in.call());
    const Tensor v_s = in.teacher().velocity(x_s, s, in.call());
    out.add("initial", distance(u_initial, v_s), options_.lambda_init);
  }
}

Tensor LfmdLoss::distance(const Tensor& a, const Tensor& b) const {
  return options_.norm == Norm::huber ? flow::huber_error(a, b, options_.huber_delta) : flow::square_error(a, b);
}

/// w(s,t) = 1, or min(5, 1/(t-s)): short gaps, on which plain LFMD is weakest, count up to five times as much.
Tensor LfmdLoss::weighted(const Tensor& per_sample, const Tensor& s, const Tensor& t) const {
  constexpr double kLargest = 5;
  if (options_.weight == Weight::one) return per_sample;
  return per_sample * (t - s).clamp_min(1 / kLargest).reciprocal();
}

}  // namespace ttfm::loss
