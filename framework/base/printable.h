// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <string_view>

namespace ttfm {

/// `text` with a '?' for each control character that is not `kept`, also for those of two bytes in UTF-8 (U+0080 to
/// U+009F): what a file holds must not steer a terminal.
inline std::string printable(std::string_view text, std::string_view kept = "") {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool two_bytes = c == '\xC2' && i + 1 < text.size() && (text[i + 1] & '\xE0') == '\x80';
    const bool control = two_bytes || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    result += control && kept.find(c) == std::string_view::npos ? '?' : c;
    i += two_bytes;
  }
  return result;
}

}  // namespace ttfm
