// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "unet.h"

TTFM_PLUGIN(plugin, "unet", "0.1.0") {
  plugin.license("Apache-2.0");
  plugin.add<ttfm::student::UNet>("unet", "U-Net with two time embeddings and self-attention at chosen levels");
}
