// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "idx_dataset.h"

TTFM_PLUGIN(plugin, "idx", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::IdxDataset>("idx", "gray images in IDX files, plain or .gz: MNIST, Fashion-MNIST and their family");
}
