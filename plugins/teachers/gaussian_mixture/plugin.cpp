// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "gaussian_mixture_teacher.h"

TTFM_PLUGIN(plugin, "gaussian_mixture", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::teacher::GaussianMixtureTeacher>("gaussian_mixture", "exact velocity of a mixture of Gaussians");
}
