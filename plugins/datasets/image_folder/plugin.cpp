// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/plugin.h>

#include "image_folder_dataset.h"

TTFM_PLUGIN(plugin, "image_folder", "0.1.0") {
  plugin.license("Apache-2.0").vendor("The ttfm authors");
  plugin.add<ttfm::ImageFolderDataset>("image_folder", "PNG and JPEG files, a class for each sub-folder");
}
