// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <ttfm/error.h>

namespace ttfm {

AppendFile::AppendFile(std::filesystem::path path, size_t most_kept) : path_(std::move(path)), most_kept_(most_kept) {
  do {
    descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EINTR);
  if (descriptor_ < 0) fail("open", errno);
}

AppendFile::~AppendFile() {
  write_kept();
  close(descriptor_);
}

void AppendFile::fail(const char* action, int error) const {
  throw Error(ErrorKind::io, std::string("cannot ") + action + " '" + path_.string() + "': " + std::strerror(error));
}

bool AppendFile::append(std::string_view line) {
  if (kept_.size() <= most_kept_) kept_ += line;
  return write_kept();
}

bool AppendFile::write_kept() {
  size_t written = 0;
  while (written < kept_.size()) {
    const ssize_t done = ::write(descriptor_, kept_.data() + written, kept_.size() - written);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      error_ = errno;
      break;
    }
    written += static_cast<size_t>(done);
  }
  kept_.erase(0, written);
  return kept_.empty();
}

void AppendFile::sync() {
  if (!write_kept()) fail("write", error_);
  int synced = 0;
  do {
    synced = fsync(descriptor_);
  } while (synced != 0 && errno == EINTR);
  if (synced != 0 && errno != EINVAL) fail("sync", errno);  // EINVAL: a pipe or the like
}

}  // namespace ttfm
