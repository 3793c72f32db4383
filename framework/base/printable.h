// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <string_view>

namespace ttfm {

/// Bytes of the character that `text` begins with in UTF-8; 0: it begins with none. Unicode 15, table 3-7.
inline size_t utf8_length(std::string_view text) {
  const auto byte = [text](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto follows = [byte](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first < 0xC2 || first > 0xF4 || !follows(1)) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) {  // neither longer than needed nor half of a UTF-16 pair
    const bool fits = first == 0xE0 ? second >= 0xA0 : first != 0xED || second < 0xA0;
    return fits && follows(2) ? 3 : 0;
  }
  const bool fits = first == 0xF0 ? second >= 0x90 : first != 0xF4 || second < 0x90;
  return fits && follows(2) && follows(3) ? 4 : 0;
}

inline bool is_utf8(std::string_view text) {
  while (const size_t length = utf8_length(text)) text.remove_prefix(length);
  return text.empty();
}

/// `text` with a '?' for each byte that is no UTF-8, and for each control character that is not `kept`, also those of two
/// bytes (U+0080 to U+009F): what a file holds must not steer a terminal.
inline std::string printable(std::string_view text, std::string_view kept = "") {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, length);
    const bool control = length == 1 ? (character[0] >= 0 && character[0] < 0x20) || character[0] == 0x7f
                                     : length == 2 && character < "\xC2\xA0";
    if (length == 0 || (control && kept.find(character) == std::string_view::npos))
      result += '?';
    else
      result += character;
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace ttfm
