// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The plugin that README.md shows.
#include <ttfm/flow/interpolate.h>
#include <ttfm/plugin.h>

struct VelocityLoss final : ttfm::Loss {
  void needs(ttfm::LossNeeds& out) const override { out.teacher = true; }
  void compute(const ttfm::LossInputs& in, const ttfm::LossResult& out) const override {
    const auto t = in.stream().child("t").uniform({in.x_0().size(0)});
    const auto x_t = ttfm::flow::interpolate(in.x_0(), in.x_1(), t);
    const auto u = in.student().velocity(x_t, t, t, in.call());
    out.add("velocity", ttfm::flow::square_error(u, in.teacher().velocity(x_t, t, in.call())));
  }
};
TTFM_PLUGIN(plugin, "velocity", "0.1.0") { plugin.add<VelocityLoss>("velocity", "the teacher's velocity"); }
