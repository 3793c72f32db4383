// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "lfmd_loss.h"

TTFM_PLUGIN(plugin, "lfmd", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::loss::LfmdLoss>("lfmd", "Lagrangian flow map distillation, arXiv 2406.07507");
}
