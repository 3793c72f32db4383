// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <ttfm/sampler.h>

#include "facade/student_map.h"

namespace ttfm::pipeline {

/// What is sampled, and by what: exactly one of field and flow_map is not null. `counter` is that of the model behind it.
struct SampledBy {
  const Sampler& sampler;
  std::string name;  ///< the sampler's, for messages
  const Field* field = nullptr;
  const FlowMap* flow_map = nullptr;
  Evaluations& counter;
};

struct Draw {
  Tensor x_1;                                         ///< like x_0
  int64_t evaluations = 0;                            ///< network evaluations spent on each sample, counted
  std::vector<std::pair<double, Tensor>> trajectory;  ///< all points, if asked for
};

/// Turns noise x_0 into samples with at most `evaluations` network evaluations each, one step at least, recording no gradient. Throws
/// ttfm::Error (plugin) where the sampler does not end at t = 1.
Draw draw(const SampledBy& by, const Tensor& x_0, const Call& call, const Stream& stream, int64_t evaluations,
          bool trajectory = false);

}  // namespace ttfm::pipeline
