// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "base/limits.h"

namespace ttfm {

/// Why a file was not read, without its name: "is a folder".
struct UnreadableFile : std::runtime_error {
  UnreadableFile(const std::string& what, int error_number) : std::runtime_error(what), error(error_number) {}
  int error;  ///< of the system; 0: it could be read, but is refused
};

/// The bytes of a regular file of at most `limit` bytes. A pipe or a device is refused without waiting for it, and a file
/// that grows while it is read is not followed beyond the limit. Throws UnreadableFile.
std::string read_file(const std::filesystem::path& path, const Limit& limit);

/// The same; "" for a file that cannot be read.
std::string read_file_or_nothing(const std::filesystem::path& path, const Limit& limit);

}  // namespace ttfm
