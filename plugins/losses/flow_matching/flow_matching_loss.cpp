// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "flow_matching_loss.h"

#include <ATen/TensorOperators.h>

#include <ttfm/flow/interpolate.h>

namespace ttfm::loss {

/// Flow matching on the linear path (Lipman et al. 2023, arXiv 2210.02747; Liu et al. 2023, arXiv 2209.03003).
///   x_t = (1-t) x_0 + t x_1
///   L   = E | u_{t,t}(x_t) - (x_1 - x_0) |^2,   minimal at u_{t,t}(x) = v_t(x) = E[x_1 - x_0 | x_t = x]
void FlowMatchingLoss::compute(const LossInputs& in, const LossResult& out) const {
  const Tensor t = options_.time.draw(in);
  const Tensor x_t = flow::interpolate(in.x_0(), in.x_1(), t);
  out.record("t", t);

  const Tensor u = in.student().velocity(x_t, t, t, with_dropped_labels(in));
  out.add("velocity", flow::square_error(u, in.x_1() - in.x_0()));
}

/// The call with a share of its labels set to `classes`, which means "none" (Ho, Salimans 2022, arXiv 2207.12598).
Call FlowMatchingLoss::with_dropped_labels(const LossInputs& in) const {
  Call call = in.call();
  if (!call.label.defined() || options_.label_dropout == 0) return call;

  NetworkTraits traits;
  in.student().traits(traits);
  const Tensor draws = in.stream().child("label_dropout").uniform({call.label.size(0)});
  call.label = call.label.masked_fill(draws < options_.label_dropout, traits.classes);
  return call;
}

}  // namespace ttfm::loss
