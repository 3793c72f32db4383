// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "dit.h"

TTFM_PLUGIN(plugin, "dit", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::student::DiT>("dit", "diffusion transformer with adaLN-zero blocks and two time embeddings");
}
