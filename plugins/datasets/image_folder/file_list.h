// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace ttfm::image_folder {

struct File {
  std::string name;  ///< relative to the folder, with '/'
  int64_t label = 0;
};

struct FileList {
  std::vector<File> files;           ///< sorted by name
  std::vector<std::string> classes;  ///< names of the sub-folders, sorted; empty: no labels
};

/// The files ending in .png, .jpg or .jpeg under `folder`. Sub-folders are classes, with everything below them; a folder
/// without sub-folders has no classes. Names that begin with a dot are passed over.
/// @throws ttfm::Error (data): no such folder, no image, a class without one, images both beside and in sub-folders
FileList list_images(const std::filesystem::path& folder);

/// Whether a file is held out: a function of its name alone, so that adding files moves none from one split to the other.
bool is_held_out(const std::string& name, double share);

}  // namespace ttfm::image_folder
