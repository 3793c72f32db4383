// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "heun_sampler.h"

TTFM_PLUGIN(plugin, "heun", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::sampler::HeunSampler>("heun", "Heun steps of the ODE, for teachers");
}
