// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "gaussian_teacher.h"

TTFM_PLUGIN(plugin, "gaussian", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::teacher::GaussianTeacher>("gaussian", "exact velocity of one Gaussian");
}
