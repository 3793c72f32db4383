// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "spirals_dataset.h"

TTFM_PLUGIN(plugin, "spirals", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::SpiralsDataset>("spirals", "interleaved spiral arms with noise; endless");
}
