// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "checkerboard_dataset.h"

TTFM_PLUGIN(plugin, "checkerboard", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::CheckerboardDataset>("checkerboard",
                                        "uniform on the dark squares of a board, with exact density; endless");
}
