// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "gaussian_mixture_dataset.h"

TTFM_PLUGIN(plugin, "gaussian_mixture", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::GaussianMixtureDataset>("gaussian_mixture",
                                           "mixture of isotropic Gaussians with exact density; endless");
}
