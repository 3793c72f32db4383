// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "dopri5_sampler.h"

TTFM_PLUGIN(plugin, "dopri5", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::sampler::Dopri5Sampler>("dopri5", "adaptive Dormand-Prince 5(4), for teachers");
}
