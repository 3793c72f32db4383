// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/located.h"

#include <algorithm>
#include <cctype>

#include "config/diagnose.h"

namespace ttfm::config {
namespace {

/// Where `text` has `word` as a whole word; npos if it has not.
size_t find_word(std::string_view text, std::string_view word) {
  const auto part = [&](size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    if ((at == 0 || !part(at - 1)) && !part(at + word.size())) return at;
  }
  return std::string_view::npos;
}

}  // namespace

Error error_at(const Section& section, std::string_view key, int code, const std::string& message,
               const std::string& note) {
  Place place;
  for (const std::string_view name : {key, std::string_view("type"), std::string_view()}) {
    if (const auto found = section.places.find(name); !place.source && found != section.places.end()) {
      place = found->second;
    }
  }
  return Error(ErrorKind::config, format({code, place, message, note}), code);
}

Error located(const Error& error, const Section& section) {
  const std::string_view text = error.what();
  if (error.kind() != ErrorKind::config || text.starts_with("error")) return error;
  std::string_view named = "type";
  size_t first = std::string_view::npos;
  for (const std::string& key : section.component_keys) {
    if (!section.places.contains(key)) continue;
    if (const size_t at = find_word(text, key); at < first) {
      first = at;
      named = key;
    }
  }
  return error_at(section, named, error.code(), std::string(text));
}

}  // namespace ttfm::config
