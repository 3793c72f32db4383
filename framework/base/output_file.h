// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace ttfm {

/// A new file, written from its begin to its end. Errors are ttfm::Error (io) with the system's reason and with `shown`,
/// the name under which the user knows the file. What becomes of an unfinished one is its owner's business.
class OutputFile {
 public:
  /// Throws if there is such a file already.
  OutputFile(std::filesystem::path path, std::string shown);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(const void* data, size_t size);

  /// Lets the system begin to bring what was written to the disk, without waiting for it.
  void begin_sync();

  /// Returns once all of it is on the disk, and closes it.
  void finish();

 private:
  [[noreturn]] void fail(const char* action, int error) const;

  std::filesystem::path path_;
  std::string shown_;
  int descriptor_ = -1;
};

/// Returns once the entries of `folder` are on the disk: until then a loss of power may undo a rename in it.
void sync_folder(const std::filesystem::path& folder);

}  // namespace ttfm
