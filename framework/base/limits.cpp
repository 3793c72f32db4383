// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/limits.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include <ttfm/error.h>

namespace ttfm {

uint64_t Limit::value() const {
  const char* const given = std::getenv(variable);
  if (!given || !*given) return standard;
  const std::string_view digits = given;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error == std::errc() && end == digits.data() + digits.size()) return value;
  throw Error(ErrorKind::config, std::string("the environment variable ") + variable + " is '" + given +
                                     "'; it must be a whole number, like " + std::to_string(standard));
}

std::string Limit::text(uint64_t needed) const {
  return "the limit is " + std::to_string(value()) + " (" + variable + "=" + std::to_string(needed) + " raises it)";
}

}  // namespace ttfm
