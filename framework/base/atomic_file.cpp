// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
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
  name.append(path.filename()).append(".tmp-").append(std::to_string(getpid()));
  return folder_of(path) / name.append("-").append(std::to_string(count.fetch_add(1)));
}

}  // namespace

AtomicFile::AtomicFile(const std::filesystem::path& path) : path_(path) {
  do {  // a name may be left from a process that was killed
    temporary_ = temporary_beside(path);
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
  if (descriptor_ < 0) fail("create", errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action, int error) const {
  throw Error(ErrorKind::io, std::string("cannot ") + action + " '" + path_.string() + "': " + std::strerror(error));
}

void AtomicFile::write(const void* data, size_t size) {
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

void AtomicFile::commit() {
  if (fsync(descriptor_) != 0) fail("sync", errno);
  const int closed = close(descriptor_);
  descriptor_ = -1;
  if (closed != 0 && errno != EINTR) fail("close", errno);
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename to", errno);
  temporary_.clear();

  // the file is whole under its name; that it stays there needs the folder's entry on the disk
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) fail("sync the folder of", errno);
  const int synced = fsync(folder);
  const int error = errno;
  close(folder);
  if (synced != 0 && error != EINVAL) fail("sync the folder of", error);  // EINVAL: a file system without it
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace ttfm
