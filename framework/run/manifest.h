// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ttfm::run {

inline constexpr const char* kManifestName = "MANIFEST.json";

/// Writes MANIFEST.json into `folder`: name, size and XXH3-128 of each of its `files`, and a checksum of itself. Written
/// after all of them: a folder with a manifest is complete.
void write_manifest(const std::filesystem::path& folder, const std::vector<std::string>& files);

struct ManifestCheck {
  std::string damage;              ///< what differs from the manifest; empty: nothing
  std::vector<std::string> files;  ///< the manifest's names, in its order; only complete if nothing differs
};

/// Compares the folder's files with its manifest, byte for byte. Never throws for what it finds there.
ManifestCheck check_manifest(const std::filesystem::path& folder);

}  // namespace ttfm::run
