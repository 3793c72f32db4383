// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/text.h"

#include <algorithm>
#include <charconv>

namespace ttfm::config {
namespace {

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

std::string number_text(double value) {
  char buffer[32];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
  const size_t e = text.find('e');
  if (e == std::string::npos) return text;
  size_t digits = e + 2;  // to_chars writes a sign and at least two digits: 1e-08
  while (digits + 1 < text.size() && text[digits] == '0') ++digits;
  return text.substr(0, e + 1) + (text[e + 1] == '-' ? "-" : "") + text.substr(digits);
}

std::string toml_string(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      result += '\\', result += c;
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else if (is_control(c))
      result += std::string("\\u00") + kHex[c >> 4] + kHex[c & 15];
    else
      result += c;
  }
  return result + '"';
}

std::string_view line_of(std::string_view text, int line) {
  size_t begin = 0;
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return {};
    begin = end + 1;
  }
  const std::string_view rest = text.substr(begin);
  return rest.substr(0, std::min(rest.find('\n'), rest.find('\r')));
}

}  // namespace ttfm::config
