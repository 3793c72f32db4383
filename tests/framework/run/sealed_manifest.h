// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#define XXH_INLINE_ALL  // the header alone: nothing to link
#include <xxhash.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "run/manifest.h"

namespace ttfm::run {

/// A manifest of somebody else's making: `body`, and the checksum that it has to end with.
inline std::string sealed_manifest(std::string_view body) {
  const XXH128_hash_t hash = XXH3_128bits(body.data(), body.size());
  char checksum[33];
  std::snprintf(checksum, sizeof checksum, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return std::string(body) + ",\n  \"checksum\": \"" + checksum + "\"\n}\n";
}

/// The manifest of files that are there.
inline void write_manifest(const std::filesystem::path& folder, const std::vector<std::string>& names) {
  std::vector<ManifestEntry> entries;
  for (const std::string& name : names) {
    std::ifstream file(folder / name, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    Checksum checksum;
    checksum.add(bytes.data(), bytes.size());
    entries.push_back({name, bytes.size(), checksum.text()});
  }
  std::ofstream(folder / kManifestName, std::ios::binary) << manifest_text(entries);
}

}  // namespace ttfm::run
