// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "flow_matching_loss.h"

TTFM_PLUGIN(plugin, "flow_matching", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::loss::FlowMatchingLoss>("flow_matching", "velocity of the linear path, trains teachers");
}
