// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "semigroup_loss.h"

#include <ATen/TensorOperators.h>

#include <ttfm/flow/interpolate.h>

namespace ttfm::loss {

void SemigroupLoss::needs(LossNeeds& out) const {
  out.teacher = true;
  out.copies = 1;
  out.copy[0].kind = CopyRule::kEma;
  out.copy[0].decay = options_.decay;
}

/// Semigroup property (Frans et al. 2024, arXiv 2410.12557).
///   x_s = (1-s) x_0 + s x_1;  m = (s+t)/2;  phi_{s,t}(x) = x + (t-s) u_{s,t}(x);  0 <= s <= t <= 1
///   terminal = E | u_{s,t}(x_s) - sg[ (u^e_{s,m}(x_s) + u^e_{m,t}(phi^e_{s,m}(x_s))) / 2 ] |^2
///   initial  = E | u_{s,s}(x_s) - v_s(x_s) |^2
///   L        = terminal + lambda_init * initial
void SemigroupLoss::compute(const LossInputs& in, const LossResult& out) const {
  const auto [s, t] = options_.time.draw(in);
  const Tensor m = (s + t) / 2;
  const Tensor x_s = flow::interpolate(in.x_0(), in.x_1(), s);

  const FlowMap& e = in.copy(0);  // copies record no gradient
  const Tensor u_first = e.velocity(x_s, s, m, in.call());
  const Tensor u_second = e.velocity(flow::advance(x_s, s, m, u_first), m, t, in.call());
  const Tensor v_s = in.teacher().velocity(x_s, s, in.call());

  const auto [u_terminal, u_initial] = in.student().velocities({{x_s, s, t, &in.call()}, {x_s, s, s, &in.call()}});
  out.add("terminal", flow::square_error(u_terminal, (u_first + u_second) / 2));
  out.add("initial", flow::square_error(u_initial, v_s), options_.lambda_init);
}

}  // namespace ttfm::loss
