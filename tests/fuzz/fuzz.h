// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

/// What libFuzzer calls with each input; a target defines it. Whatever it lets out, and a process that ends, is a
/// finding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace ttfm::fuzz {

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A finding unless `holds`. `what` says what should be true: "what was written reads back".
inline void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(std::string("finding: it is not true that ") + what);
}

/// Whether the action does not refuse its input. A refusal that calls itself a bug is a finding.
template <class Action>
bool accepted(Action action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::internal) throw;
    return false;
  }
}

/// A folder that lives as long as the process. In memory where TMPDIR is, as `./dev fuzz` sets it.
inline const std::filesystem::path& folder() {
  static const conformance::TemporaryFolder folder;
  return folder.path();
}

/// Writes a file of that folder.
inline std::filesystem::path write(const std::string& name, std::string_view bytes) {
  std::filesystem::path path = folder() / name;
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return path;
}

}  // namespace ttfm::fuzz
