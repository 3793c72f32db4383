// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/diagnose.h"
#include "config/node.h"

/// One key of a section, the host's or a component's: what it may hold, and how a value is checked against that.
namespace ttfm::config {

struct Key {
  std::string name;
  ttfm_param_type type = TTFM_PARAM_STRING;
  bool required = false;
  bool advanced = false;
  bool above = false;  ///< the minimum itself is not allowed
  bool below = false;  ///< the maximum itself is not allowed
  std::optional<double> min, max;
  std::vector<std::string> choices;
  std::optional<Value> default_value;  ///< a relative path stays relative
  std::string unit, doc;
};

/// The rows of a table, walked by the size that their writer gave them. Throws ttfm::Error (plugin) for a table that
/// contradicts itself: a default that is no TOML or breaks the row's own limits, a name twice.
std::vector<Key> keys_of(const ttfm_param_v1* rows, uint32_t count);

std::string type_text(const Key& key);    ///< "integer", "list of numbers", "one of euler, heun"
std::string limits_text(const Key& key);  ///< "above 0 and at most 1"; "" without limits

/// The value of `node` if `key` allows it. If not, what is wrong goes to `problems` and the result is empty.
/// @param section for messages: "[train]"
std::optional<Value> read_value(const Node& node, const Key& key, const std::string& section, Diagnostics& problems);

/// `value` as TOML.
std::string toml_text(const Value& value);

/// Where `place` is.
Origin origin_of(const Place& place);

}  // namespace ttfm::config
