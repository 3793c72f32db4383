// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "config/diagnose.h"
#include "config/node.h"

/// The layers of a configuration, from the lowest: files named by `extends`, in order; the file itself; overrides.
namespace ttfm::config {

struct Layers {
  Node root;                           ///< each key as the highest layer has it, with its place there
  std::shared_ptr<const Source> user;  ///< the user's file; null if it cannot be read
  bool complete = true;                ///< every file was read
};

/// Reads the layers and merges them key by key: a list or a value replaces, tables merge. A layer that gives a
/// component section another `type` drops what lower layers set for the component before; the host's keys stay.
Layers read_layers(const std::filesystem::path& file, const std::vector<std::string>& overrides, Diagnostics& problems);

}  // namespace ttfm::config
