// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <ttfm/io/safetensors.h>

namespace ttfm::io {

/// What is wrong with a header, without the file's name.
struct HeaderError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  ///< in the header's order
  Metadata metadata;
};

/// A name for a message; a header from elsewhere may hold one of megabytes.
inline std::string in_quotes(const std::string& name) {
  constexpr size_t kLongest = 120;
  return "`" + (name.size() <= kLongest ? name : name.substr(0, kLongest) + "...") + "`";
}

/// Parses the JSON header and checks each entry by itself: its keys, type, shape, and that its range has the size of its
/// shape. Throws HeaderError. Runs in memory proportional to the header.
SafetensorsHeader parse_safetensors_header(std::string_view json);

}  // namespace ttfm::io
