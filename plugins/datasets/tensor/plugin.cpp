// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "tensor_dataset.h"

TTFM_PLUGIN(plugin, "tensor", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::TensorDataset>("tensor", "samples of any shape in a safetensors file");
}
