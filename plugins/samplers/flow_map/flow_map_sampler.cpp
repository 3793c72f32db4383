// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "flow_map_sampler.h"

#include <charconv>
#include <string>

#include <ttfm/error.h>
#include <ttfm/flow/time_grid.h>

namespace ttfm::sampler {
namespace {

std::string number(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof text, value).ptr);
}

[[noreturn]] void refuse(const std::string& problem) {
  throw Error(ErrorKind::config,
              "flow_map: " + problem + "; a time grid rises from 0 (noise) to 1 (data), as in [0, 0.5, 1]");
}

void check(const std::vector<double>& grid) {
  if (grid.size() < 2) refuse("grid has one time");
  for (size_t i = 0; i < grid.size(); ++i) {
    const std::string here = "grid[" + std::to_string(i) + "] = " + number(grid[i]);
    if (!(grid[i] >= 0 && grid[i] <= 1)) refuse(here + " lies outside [0, 1]");
    if (i > 0 && !(grid[i] > grid[i - 1])) refuse(here + " does not lie after grid[" + std::to_string(i - 1) + "]");
  }
  if (grid.front() != 0) refuse("the first time of grid is " + number(grid.front()) + ", not 0");
  if (grid.back() != 1) refuse("the last time of grid is " + number(grid.back()) + ", not 1");
}

}  // namespace

FlowMapSampler::FlowMapSampler(const Options& options) : grid_(options.grid) {
  if (grid_.empty()) grid_ = {0, 1};
  check(grid_);
}

void FlowMapSampler::traits(SamplerTraits& out) const { out.flow_map = true; }

///   x_{i+1} = phi_{t_i,t_{i+1}}(x_i),   phi_{s,t}(x) = x + (t-s) u_{s,t}(x)
void FlowMapSampler::sample(const SampleInputs& in, const SampleResult& out) const {
  const FlowMap& phi = *in.flow_map();
  const std::vector<double> grid = flow::resampled_grid(grid_, in.evaluations());
  Tensor x = in.x_0();
  out.point(0, x);
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    x = phi(x, flow::time_like(x, grid[i]), flow::time_like(x, grid[i + 1]), in.call());
    out.point(grid[i + 1], x);
  }
}

}  // namespace ttfm::sampler
