// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "network_teacher.h"

TTFM_PLUGIN(plugin, "network", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::teacher::NetworkTeacher>("network", "a student network on its diagonal s = t");
}
