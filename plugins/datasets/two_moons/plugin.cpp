// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "two_moons_dataset.h"

TTFM_PLUGIN(plugin, "two_moons", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::TwoMoonsDataset>("two_moons", "two interleaved half circles with noise; endless");
}
