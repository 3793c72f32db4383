// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "cifar10_dataset.h"

TTFM_PLUGIN(plugin, "cifar10", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::Cifar10Dataset>("cifar10", "CIFAR-10 in its binary version: colour images of 32 x 32, 10 classes");
}
