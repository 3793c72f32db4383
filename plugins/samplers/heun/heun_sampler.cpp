// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "heun_sampler.h"

#include <algorithm>

#include <ttfm/flow/ode_step.h>
#include <ttfm/flow/time_grid.h>

namespace ttfm::sampler {

void HeunSampler::traits(SamplerTraits& out) const {
  out.field = true;
  out.evaluations_per_step = 2;
}

///   x_{i+1} = x_i + h (k_1 + k_2)/2,   k_1 = v_{t_i}(x_i),   k_2 = v_{t_{i+1}}(x_i + h k_1),   h = t_{i+1} - t_i
void HeunSampler::sample(const SampleInputs& in, const SampleResult& out) const {
  const std::vector<double> grid = flow::uniform_grid(std::max<int64_t>(1, in.evaluations() / 2));
  Tensor x = in.x_0();
  out.point(0, x);
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const Tensor t = flow::time_like(x, grid[i]), next = flow::time_like(x, grid[i + 1]);
    x = flow::advance(x, t, next, flow::mean_velocity_heun(*in.field(), x, t, next, in.call()));
    out.point(grid[i + 1], x);
  }
}

}  // namespace ttfm::sampler
