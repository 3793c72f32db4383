// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/param_checks.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "base/kinds.h"
#include "host/handshake.h"

namespace ttfm::host {
namespace {

constexpr uint32_t kMaxParams = 4096;
constexpr uint32_t kMaxStructSize = 4096;  // the ABI grows by a field at a time

template <class T>
bool reads_as(std::string_view text) {
  T value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size();
}

bool is_between(std::string_view text, char first, char last) {
  return text.size() >= 2 && text.front() == first && text.back() == last;
}

bool is_choice(std::string_view quoted, std::string_view choices) {
  if (!is_between(quoted, '"', '"')) return false;
  const std::string_view value = quoted.substr(1, quoted.size() - 2);
  while (!choices.empty()) {
    const std::string_view each = choices.substr(0, choices.find('|'));
    if (each == value) return true;
    choices.remove_prefix(std::min(each.size() + 1, choices.size()));
  }
  return false;
}

bool is_default(const ttfm_param_v1& param) {
  const std::string_view text = param.default_toml;
  switch (param.type) {
    case TTFM_PARAM_BOOL:
      return text == "true" || text == "false";
    case TTFM_PARAM_INT:
      return reads_as<int64_t>(text);
    case TTFM_PARAM_FLOAT:
      return reads_as<double>(text);
    case TTFM_PARAM_STRING:
    case TTFM_PARAM_PATH:
      return is_between(text, '"', '"');
    case TTFM_PARAM_CHOICE:
      return is_choice(text, param.choices);
    case TTFM_PARAM_INT_LIST:
    case TTFM_PARAM_FLOAT_LIST:
    case TTFM_PARAM_FLOAT_ROWS:
      return is_between(text, '[', ']');
    default:
      return false;  // a nested student has no default
  }
}

std::string why_not_a_row(const ttfm_param_v1& param) {
  if (std::string_view(param.name) == "type") return "is the key that selects the component";
  if (param.type < TTFM_PARAM_BOOL || param.type > TTFM_PARAM_STUDENT) {
    return "has the unknown type " + std::to_string(param.type);
  }
  if (!param.doc || !*param.doc) return "is not documented";
  if (has_control_bytes(param.doc)) return "has control bytes in its documentation";
  if (param.unit && has_control_bytes(param.unit)) return "has control bytes in its unit";
  if ((param.type == TTFM_PARAM_CHOICE) != (param.choices && *param.choices)) {
    return param.choices ? "has choices, but is not of the type for that" : "is a choice of nothing";
  }
  if (param.default_toml && (param.flags & TTFM_PARAM_REQUIRED)) return "is required, yet has a default";
  if (param.default_toml && !is_default(param)) {
    return "has the default " + std::string(param.default_toml) + ", which is not a value of its type";
  }
  for (const char* const limit : {param.min_toml, param.max_toml}) {
    if (limit && !reads_as<double>(limit)) return "has the limit " + std::string(limit) + ", which is not a number";
  }
  return "";
}

}  // namespace

bool has_control_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string why_not_a_table(const ttfm_param_v1* params, uint32_t count) {
  if (count == 0) return "";
  if (!params) return "it has no parameter table for its " + std::to_string(count) + " parameters";
  if (count > kMaxParams) return "it says it has " + std::to_string(count) + " parameters";
  const uint32_t row_size = params->struct_size;
  if (row_size < TTFM_PARAM_V1_LEAST || row_size > kMaxStructSize || row_size % alignof(ttfm_param_v1) != 0) {
    return "the rows of its parameter table have " + std::to_string(row_size) + " bytes, " +
           std::to_string(TTFM_PARAM_V1_LEAST) + " are needed";
  }
  std::set<std::string_view> names;
  for (uint32_t i = 0; i < count; ++i) {
    const ttfm_param_v1& param = param_at(params, i);
    if (!param.name) return "parameter " + std::to_string(i + 1) + " has no name";
    const std::string quoted = "parameter '" + std::string(param.name) + "' ";
    if (!is_snake_case(param.name)) return quoted + "has a name that is not snake_case";
    if (!names.insert(param.name).second) return quoted + "is there twice";
    if (const std::string problem = why_not_a_row(param); !problem.empty()) return quoted + problem;
  }
  return "";
}

}  // namespace ttfm::host
