// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "itvm_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/lerp.h>

#include <ttfm/error.h>
#include <ttfm/flow/flow_map.h>
#include <ttfm/flow/interpolate.h>
#include <ttfm/flow/rows.h>

namespace ttfm::loss {
namespace {

constexpr uint32_t kTarget = 0;  // the copy that is the target network e

/// x as the teacher's input: detached where no gradient may flow through it.
Tensor stop_if(bool stop, const Tensor& x) { return stop ? x.detach() : x; }

}  // namespace

ItvmLoss::ItvmLoss(const Options& options) : options_(options) {
  if (options.target != Target::self && options.stop_gradient != StopGradient::target) {
    throw Error(
        ErrorKind::config,
        "itvm: stop_gradient lets gradients into the target, but target is a copy of the student, which records "
        "none; set target = \"self\", or stop_gradient = \"target\"");
  }
}

void ItvmLoss::needs(LossNeeds& out) const {
  out.teacher = true;
  out.teacher_x_gradient = options_.stop_gradient == StopGradient::none;
  out.derivative = options_.derivative == Derivative::jvp;
  if (options_.target == Target::self) return;
  out.copies = 1;
  CopyRule& rule = out.copy[kTarget];
  rule.kind = options_.target == Target::ema ? CopyRule::kEma : CopyRule::kFrozen;
  rule.decay = options_.target == Target::ema ? options_.target_decay : 0;
  rule.refresh_every = options_.target == Target::frozen ? options_.target_refresh : 0;
}

/// Initial/terminal velocity matching (Khungurn 2025, arXiv 2505.01169; of the target, our reading of the abstract).
///   x_s = (1-s) x_0 + s x_1;  phi_{s,t}(x) = x + (t-s) u_{s,t}(x);  0 <= s <= t <= 1
///   terminal = E w(s,t) | u_{s,t}(x_s) - sg[ U_{s,t}(x_s) ] |^2,   U from the target network e and the teacher
///   initial  = E | u_{s,s}(x_s) - v_s(x_s) |^2
///   L        = terminal + lambda_init * initial
void ItvmLoss::compute(const LossInputs& in, const LossResult& out) const {
  const auto [s, t] = options_.time.draw(in);
  const Tensor x_s = flow::interpolate(in.x_0(), in.x_1(), s);
  out.record("s", s);
  out.record("t", t);

  const auto [target, v_s] =
      options_.derivative == Derivative::none ? discrete_target(in, x_s, s, t) : derivative_target(in, x_s, s, t);
  if (options_.lambda_init == 0) {
    const Tensor u_terminal = in.student().velocity(x_s, s, t, in.call());
    out.add("terminal", weighted(flow::square_error(u_terminal, target), s, t));
    return;
  }
  const auto [u_terminal, u_initial] = in.student().velocities({{x_s, s, t, &in.call()}, {x_s, s, s, &in.call()}});
  out.add("terminal", weighted(flow::square_error(u_terminal, target), s, t));
  out.add("initial", flow::square_error(u_initial, v_s), options_.lambda_init);
}

/// The target network e: a copy of the student, or the student itself, with gradients only if they are to flow there.
FlowMap ItvmLoss::target_map(const LossInputs& in) const {
  if (options_.target != Target::self) return in.copy(kTarget);
  return options_.stop_gradient == StopGradient::target ? in.student().stopped() : in.student();
}

/// a = h / max(h, t-s), the share of the last step in [s, t]; 1 where the whole of it is shorter than h.
Tensor ItvmLoss::step_share(const Tensor& s, const Tensor& t) const {
  return (t - s).clamp_min(options_.step).reciprocal() * options_.step;
}

/// v_s(x_s) and v_r(x_r) of the teacher, which differ in the rows `far` only; the first is undefined without an initial
/// term, which alone asks for it in all rows.
std::array<Tensor, 2> ItvmLoss::ask_teacher(const LossInputs& in, const Tensor& x_s, const Tensor& s, const Tensor& x_r,
                                            const Tensor& r, const flow::Rows& far) const {
  if (options_.lambda_init == 0) return {Tensor(), in.teacher().velocity(x_r, r, in.call())};
  return flow::velocities(in.teacher(), x_s, s, x_r, r, in.call(), far);
}

/// A discrete Lagrangian step: e jumps to r, one step of the teacher's ODE goes on to t.
///   U = (1-a) u^e_{s,r}(x_s) + a vbar,   r = max(s, t-h),   a = h / max(h, t-s)
///   vbar: mean velocity of one step of v from (r, phi^e_{s,r}(x_s)) to t
/// Errors (t-s)^n of e shrink by ((t-h-s)/(t-s))^(n+1), all of them; no division by t-s, also at t = s, where U = v_s(x_s).
/// Where r = s, also x_r = x_s and a = 1: these rows need no e, and no v_r but the v_s of the initial term.
ItvmLoss::Targets ItvmLoss::discrete_target(const LossInputs& in, const Tensor& x_s, const Tensor& s,
                                            const Tensor& t) const {
  const Tensor r = (t - options_.step).max(s);
  const flow::Rows far = flow::Rows::where(r > s);
  const Tensor u_e = flow::velocity(target_map(in), x_s, s, r, in.call(), far);
  const Tensor x_r = stop_if(options_.stop_gradient != StopGradient::none, flow::advance(x_s, s, r, u_e));
  const auto [v_s, v_r] = ask_teacher(in, x_s, s, x_r, r, far);
  const Tensor v_bar = flow::mean_velocity(options_.integrator, in.teacher(), x_r, r, t, in.call(), v_r);
  return {at::lerp(u_e, v_bar, flow::per_row(step_share(s, t), x_s)), v_s};
}

/// A damped step towards the Lagrangian equation d/dt phi_{s,t} = v_t(phi_{s,t}).
///   U = u^e + c (v_t(phi^e) - u^e - (t-s) d/dt u^e),   c = gamma min(1, h/(t-s)),   all at (s, t, x_s)
/// Errors (t-s)^n of e are multiplied by 1 - c(n+1): without damping (c = 1) those with n >= 2 grow under a lagging e.
ItvmLoss::Targets ItvmLoss::derivative_target(const LossInputs& in, const Tensor& x_s, const Tensor& s,
                                              const Tensor& t) const {
  const FlowMap e = target_map(in);
  const Dual u_e = options_.derivative == Derivative::jvp ? flow::time_derivative(e, x_s, s, t, in.call())
                                                          : flow::time_difference(e, x_s, s, t, in.call());
  const Tensor phi_e = stop_if(options_.stop_gradient != StopGradient::none, flow::advance(x_s, s, t, u_e.primal));
  const auto [v_s, v_t] = ask_teacher(in, x_s, s, phi_e, t, flow::Rows());
  const Tensor residual = v_t - flow::terminal_velocity(u_e, s, t);
  return {u_e.primal + flow::per_row(options_.damping * step_share(s, t), x_s) * residual, v_s};
}

/// w(s,t) = 1, or min(5, (t-s)/min(h, t-s)), which makes up for the small share of the step in long gaps.
Tensor ItvmLoss::weighted(const Tensor& per_sample, const Tensor& s, const Tensor& t) const {
  constexpr double kLargest = 5;
  if (options_.weight == Weight::one) return per_sample;
  return per_sample * step_share(s, t).reciprocal().clamp_max(kLargest);
}

}  // namespace ttfm::loss
