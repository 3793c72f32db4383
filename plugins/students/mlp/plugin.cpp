// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "mlp.h"

TTFM_PLUGIN(plugin, "mlp", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::student::Mlp>("mlp", "fully connected network on x and the sines and cosines of both times");
}
