// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "itvm_loss.h"

TTFM_PLUGIN(plugin, "itvm", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::loss::ItvmLoss>("itvm", "initial/terminal velocity matching, arXiv 2505.01169");
}
