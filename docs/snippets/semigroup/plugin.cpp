// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "semigroup_loss.h"

TTFM_PLUGIN(plugin, "semigroup", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::loss::SemigroupLoss>("semigroup", "one jump as two of half its length, arXiv 2410.12557");
}
