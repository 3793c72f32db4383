// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/atomic_file.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>

#include <ttfm/error.h>

namespace ttfm {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// Another process, and another thread, gets another name.
std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<uint64_t> count{0};
  std::string name = ".";
  name.append(path.filename()).append(kUnfinished).append(std::to_string(getpid()));
  return folder_of(path) / name.append("-").append(std::to_string(count.fetch_add(1)));
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  do {  // a name may be left from a process that was killed
    temporary_ = temporary_beside(path);
  } while (std::filesystem::exists(std::filesystem::symlink_status(temporary_)));
  file_.emplace(temporary_, path.string());
}

AtomicFile::~AtomicFile() {
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::commit() {
  file_->finish();
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw Error(ErrorKind::io, "cannot rename to '" + path_.string() + "': " + std::strerror(errno));
  }
  temporary_.clear();
  sync_folder(folder_of(path_));
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace ttfm
