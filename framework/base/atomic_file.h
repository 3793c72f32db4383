// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/output_file.h"

namespace ttfm {

/// A part of the name of every file and folder that is not complete yet: a process that is killed may leave one.
inline constexpr const char* kUnfinished = ".tmp-";

inline bool is_unfinished(const std::filesystem::path& path) {
  return path.filename().string().find(kUnfinished) != std::string::npos;
}

/// A file that appears under its name whole or not at all, and stays after a loss of power: it is written beside its
/// place, synced, renamed over it, and the folder is synced. Errors are ttfm::Error (io) with the path and the system's
/// reason; what was written is then removed and an older file of that name stays as it was.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();  ///< without commit(): nothing remains
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, size_t size) { file_->write(data, size); }
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  std::optional<OutputFile> file_;
};

/// All of `bytes` as the file `path`, by AtomicFile.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace ttfm
