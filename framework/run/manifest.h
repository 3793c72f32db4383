// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ttfm::run {

inline constexpr const char* kManifestName = "MANIFEST.json";

/// The XXH3-128 of bytes that come in pieces.
class Checksum {
 public:
  Checksum();
  ~Checksum();
  Checksum(const Checksum&) = delete;
  Checksum& operator=(const Checksum&) = delete;

  void add(const void* data, size_t size);
  std::string text() const;  ///< 32 hexadecimal digits

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A file as the manifest lists it.
struct ManifestEntry {
  std::string name;
  uint64_t bytes = 0;
  std::string checksum;
};

/// The text of MANIFEST.json: its entries, and a checksum of itself. Written after all the files: a folder with a
/// manifest is complete.
std::string manifest_text(const std::vector<ManifestEntry>& files);

/// A folder held against its manifest.
struct ManifestCheck {
  struct File {
    std::string name;
    uint64_t bytes = 0;  ///< that the manifest says
    std::string damage;  ///< "has 9 bytes, the manifest says 172"; "" if nothing is wrong
  };
  std::string damage;       ///< the first thing that differs, with its file's name; "" if nothing does
  std::vector<File> files;  ///< in the manifest's order; none of them where the manifest is damaged itself
};

/// Compares the folder's files with its manifest, byte for byte. Never throws for what it finds there.
ManifestCheck check_manifest(const std::filesystem::path& folder);

}  // namespace ttfm::run
