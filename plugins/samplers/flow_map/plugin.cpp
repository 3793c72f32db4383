// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "flow_map_sampler.h"

TTFM_PLUGIN(plugin, "flow_map", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::sampler::FlowMapSampler>("flow_map", "composes the flow map of a student");
}
