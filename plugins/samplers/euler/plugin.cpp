// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "euler_sampler.h"

TTFM_PLUGIN(plugin, "euler", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::sampler::EulerSampler>("euler", "Euler steps of the ODE, for teachers");
}
