// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>

namespace ttfm::conformance {

/// A new empty folder that is removed at the end of its life.
class TemporaryFolder {
 public:
  TemporaryFolder();  ///< makes it
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }  ///< absolute

 private:
  std::filesystem::path path_;
};

}  // namespace ttfm::conformance
