// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "euler_sampler.h"

#include <ttfm/flow/ode_step.h>
#include <ttfm/flow/time_grid.h>

namespace ttfm::sampler {

void EulerSampler::traits(SamplerTraits& out) const {
  out.field = true;
  out.evaluations_per_step = 1;
}

///   x_{i+1} = x_i + (t_{i+1} - t_i) v_{t_i}(x_i),   t_i = i/N
void EulerSampler::sample(const SampleInputs& in, const SampleResult& out) const {
  const std::vector<double> grid = flow::uniform_grid(in.evaluations());
  Tensor x = in.x_0();
  out.point(0, x);
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const Tensor t = flow::time_like(x, grid[i]), next = flow::time_like(x, grid[i + 1]);
    x = flow::advance(x, t, next, flow::mean_velocity_euler(*in.field(), x, t, next, in.call()));
    out.point(grid[i + 1], x);
  }
}

}  // namespace ttfm::sampler
