// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace ttfm::run {

/// A field of a JSON file that does not hold what it should.
struct WrongField : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Whether `value` is a whole number of 0 to 2^63 - 1. nlohmann::json converts others too: 1e300, -1 and true.
inline bool is_count(const nlohmann::json& value) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return value.is_number_unsigned() && value.get<uint64_t>() <= kMost;
}

/// `value` as a whole number. Throws WrongField, with `name` for the message.
inline int64_t count(const nlohmann::json& value, const std::string& name) {
  if (!is_count(value)) throw WrongField("`" + name + "` is not a whole number of 0 or more");
  return value.get<int64_t>();
}

/// The same of a field that has to be there: else nlohmann::json::exception.
inline int64_t count_at(const nlohmann::json& object, const char* key) { return count(object.at(key), key); }

}  // namespace ttfm::run
