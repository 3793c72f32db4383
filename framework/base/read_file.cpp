// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ttfm {
namespace {

[[noreturn]] void fail(int error) { throw UnreadableFile(std::strerror(error), error); }

[[noreturn]] void refuse(const std::string& what) { throw UnreadableFile(what, 0); }

struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) close(number);
  }
};

}  // namespace

std::string read_file(const std::filesystem::path& path, const Limit& limit) {
  const Descriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  struct stat status {};
  if (file.number < 0 || fstat(file.number, &status) != 0) fail(errno);
  if (S_ISDIR(status.st_mode)) refuse("it is a folder");
  if (!S_ISREG(status.st_mode)) refuse("it is not a regular file");
  const uint64_t most = limit.value();
  const auto size = static_cast<uint64_t>(status.st_size);
  const auto too_long = [&](uint64_t bytes) {
    refuse("it has " + std::to_string(bytes) + " bytes, and " + limit.text(bytes));
  };
  if (size > most) too_long(size);

  std::string bytes(size + 1, '\0');  // the byte beyond: its end is seen without another block
  for (size_t got = 0;;) {
    const ssize_t count = read(file.number, bytes.data() + got, bytes.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    if (count == 0) {
      bytes.resize(got);
      return bytes;
    }
    got += static_cast<size_t>(count);
    if (got > most) too_long(got);
    if (got == bytes.size()) bytes.resize(std::min<uint64_t>(2 * got, most) + 1);  // it has grown, as those of /proc do
  }
}

std::string read_file_or_nothing(const std::filesystem::path& path, const Limit& limit) {
  try {
    return read_file(path, limit);
  } catch (const UnreadableFile&) {
    return "";
  }
}

}  // namespace ttfm
