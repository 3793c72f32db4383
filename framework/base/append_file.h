// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstddef>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

namespace ttfm {

/// A file that grows line by line, each by one write, so that a reader never sees half a line of a living process. What
/// a full disk does not take is kept in memory and goes first the next time: as long as the process lives, nothing is
/// lost, doubled or torn.
class AppendFile {
 public:
  /// Beyond `most_kept` bytes that the disk did not take, lines are dropped. Throws ttfm::Error (io) if the file cannot
  /// be opened.
  explicit AppendFile(std::filesystem::path path, size_t most_kept = std::numeric_limits<size_t>::max());
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// False: some of what was appended is still in memory.
  bool append(std::string_view line);

  /// Returns once everything is on the disk. Throws ttfm::Error (io) with the path and the system's reason otherwise;
  /// it may be called again.
  void sync();

 private:
  bool write_kept();
  [[noreturn]] void fail(const char* action, int error) const;

  std::filesystem::path path_;
  size_t most_kept_;
  std::string kept_;
  int descriptor_ = -1;
  int error_ = 0;  // of the last write
};

}  // namespace ttfm
