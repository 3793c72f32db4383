// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The sampler of docs/how_to/write_a_teacher_or_sampler.md.
#include <algorithm>

#include <ttfm/flow/interpolate.h>
#include <ttfm/flow/time_grid.h>
#include <ttfm/plugin.h>

/// The explicit midpoint rule on steps of equal length; order 2, two evaluations a step:
///   x_{i+1} = x_i + h v_m(x_i + (h/2) v_{t_i}(x_i)),   m = t_i + h/2,   h = t_{i+1} - t_i
class MidpointSampler final : public ttfm::Sampler {
 public:
  void traits(ttfm::SamplerTraits& out) const override {
    out.field = true;
    out.evaluations_per_step = 2;
  }

  void sample(const ttfm::SampleInputs& in, const ttfm::SampleResult& out) const override {
    const ttfm::Field& v = *in.field();
    const auto grid = ttfm::flow::uniform_grid(std::max<int64_t>(1, in.evaluations() / 2));
    at::Tensor x = in.x_0();
    out.point(0, x);
    for (size_t i = 0; i + 1 < grid.size(); ++i) {
      const at::Tensor t = ttfm::flow::time_like(x, grid[i]), next = ttfm::flow::time_like(x, grid[i + 1]);
      const at::Tensor m = (t + next) / 2;
      const at::Tensor x_m = ttfm::flow::advance(x, t, m, v.velocity(x, t, in.call()));
      x = ttfm::flow::advance(x, t, next, v.velocity(x_m, m, in.call()));
      out.point(grid[i + 1], x);
    }
  }
};

TTFM_PLUGIN(plugin, "midpoint", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<MidpointSampler>("midpoint", "midpoint steps of the ODE, for teachers");
}
