// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <ttfm/error.h>

namespace ttfm {

OutputFile::OutputFile(std::filesystem::path path, std::string shown)
    : path_(std::move(path)), shown_(std::move(shown)) {
  do {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) fail("create", errno);
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

void OutputFile::fail(const char* action, int error) const {
  throw Error(ErrorKind::io, std::string("cannot ") + action + " '" + shown_ + "': " + std::strerror(error));
}

void OutputFile::write(const void* data, size_t size) {
  constexpr size_t kMostAtOnce = size_t{1} << 30;  // the kernel transfers at most 2 GiB in one call
  const auto* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t done = ::write(descriptor_, from, std::min(size, kMostAtOnce));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("write", errno);
    from += done;
    size -= static_cast<size_t>(done);
  }
}

void OutputFile::begin_sync() {
  sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE);  // a hint: where it fails, finish() does all of it
}

void OutputFile::finish() {
  int synced = 0;
  do {
    synced = fsync(descriptor_);
  } while (synced != 0 && errno == EINTR);
  if (synced != 0) fail("sync", errno);
  const int closed = close(std::exchange(descriptor_, -1));
  if (closed != 0 && errno != EINTR) fail("close", errno);
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int synced = descriptor;
  while (descriptor >= 0 && (synced = fsync(descriptor)) != 0 && errno == EINTR) {
  }
  const int error = errno;
  if (descriptor >= 0) close(descriptor);
  if (synced >= 0 || (descriptor >= 0 && error == EINVAL)) return;  // EINVAL: a file system that has no such thing
  throw Error(ErrorKind::io, "cannot sync the folder '" + folder.string() + "': " + std::strerror(error));
}

}  // namespace ttfm
