// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/key.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

#include "base/edit_distance.h"
#include "config/text.h"
#include "config/toml_reader.h"

namespace ttfm::config {
namespace {

[[noreturn]] void refuse_table(const std::string& name, const std::string& why) {
  throw Error(ErrorKind::plugin, "the parameter table is broken at `" + printable(name) + "`: " + why, kBadTable);
}

std::optional<double> limit_of(const std::string& name, const char* toml) {
  if (!toml) return {};
  double value = 0;
  const char* const end = toml + std::strlen(toml);
  if (std::from_chars(toml, end, value).ptr != end || std::isnan(value)) refuse_table(name, "a limit is no number");
  return value;
}

Key key_of(const ttfm_param_v1& row) {
  Key key;
  key.name = row.name ? row.name : "";
  if (key.name.empty()) refuse_table("?", "a row has no name");
  if (row.type < TTFM_PARAM_BOOL || row.type > TTFM_PARAM_STUDENT) refuse_table(key.name, "its type is unknown");
  key.type = static_cast<ttfm_param_type>(row.type);
  key.required = row.flags & TTFM_PARAM_REQUIRED;
  key.advanced = row.flags & TTFM_PARAM_ADVANCED;
  key.above = row.flags & TTFM_PARAM_MIN_EXCLUSIVE;
  key.below = row.flags & TTFM_PARAM_MAX_EXCLUSIVE;
  key.min = limit_of(key.name, row.min_toml);
  key.max = limit_of(key.name, row.max_toml);
  if (row.unit) key.unit = row.unit;
  if (row.doc) key.doc = row.doc;
  if (key.type == TTFM_PARAM_CHOICE) {
    std::string_view rest = row.choices ? row.choices : "";
    for (size_t bar = 0; !rest.empty(); rest.remove_prefix(std::min(bar + 1, rest.size()))) {
      bar = std::min(rest.find('|'), rest.size());
      key.choices.emplace_back(rest.substr(0, bar));
    }
    if (key.choices.empty()) refuse_table(key.name, "it has no choices");
  }
  if (row.default_toml) {
    Diagnostics problems;
    const std::optional<Node> node = parse_value(row.default_toml);
    if (node) key.default_value = read_value(*node, key, "the table", problems);
    if (!key.default_value) refuse_table(key.name, "its default " + std::string(row.default_toml) + " is not valid");
    key.default_value->origin = {};
  }
  return key;
}

/// Checks one value against its key; `what_` names it in messages: "`lr` in [train]", "element 2 of ...".
class ValueReader {
 public:
  ValueReader(const Key& key, std::string what, Diagnostics& problems)
      : key_(key), what_(std::move(what)), problems_(problems) {}

  bool read(const Node& node, Value& value) const {
    switch (key_.type) {
      case TTFM_PARAM_BOOL:
        value.flag = node.flag;
        return node.kind == Node::Kind::boolean || wrong_type(node, "a boolean", boolean_meant(node));
      case TTFM_PARAM_INT:
        return integer(node, value.integer);
      case TTFM_PARAM_FLOAT:
        return number(node, value.number);
      case TTFM_PARAM_STRING:
        return text(node, value.text);
      case TTFM_PARAM_CHOICE:
        return text(node, value.text) && choice(node, value.text);
      case TTFM_PARAM_PATH:
        return text(node, value.text) && path(node, value.text);
      case TTFM_PARAM_INT_LIST:
        return list(node, value.integers, &ValueReader::integer);
      case TTFM_PARAM_FLOAT_LIST:
        return list(node, value.numbers, &ValueReader::number);
      case TTFM_PARAM_FLOAT_ROWS:
        return rows(node, value);
      case TTFM_PARAM_STUDENT:
        break;
    }
    return wrong_type(node);
  }

 private:
  /// "write true" for 1 and "yes".
  static std::string boolean_meant(const Node& node) {
    if (node.kind == Node::Kind::integer && (node.integer == 0 || node.integer == 1)) {
      return node.integer ? "write true" : "write false";
    }
    for (const char* word : {"true", "yes", "on"}) {
      if (equal_but_for_case(node.text, word)) return "write true";
    }
    for (const char* word : {"false", "no", "off"}) {
      if (equal_but_for_case(node.text, word)) return "write false";
    }
    return "";
  }

  /// How to write a string that holds a number.
  static std::string number_meant(const Node& node) {
    const std::optional<Node> value = node.kind == Node::Kind::text ? parse_value(node.text) : std::nullopt;
    const bool number = value && (value->kind == Node::Kind::integer || value->kind == Node::Kind::number);
    return number ? "write it without quotation marks: " + node.text : "";
  }

  bool integer(const Node& node, int64_t& value) const {
    value = node.integer;
    if (node.kind == Node::Kind::integer) return in_limits(node, static_cast<double>(value), std::to_string(value));
    const bool whole = node.kind == Node::Kind::number && std::trunc(node.number) == node.number;
    if (!whole || std::abs(node.number) > 9007199254740992.0) return wrong_type(node, "an integer", number_meant(node));
    return wrong_type(node, "an integer", "write " + std::to_string(static_cast<int64_t>(node.number)));
  }

  bool number(const Node& node, double& value) const {
    value = node.kind == Node::Kind::integer ? static_cast<double>(node.integer) : node.number;
    if (node.kind != Node::Kind::integer && node.kind != Node::Kind::number)
      return wrong_type(node, "a number", number_meant(node));
    return in_limits(node, value, number_text(value));
  }

  bool in_limits(const Node& node, double value, const std::string& given) const {
    const bool infinite_allowed = (key_.min && std::isinf(*key_.min)) || (key_.max && std::isinf(*key_.max));
    const bool finite = infinite_allowed ? !std::isnan(value) : std::isfinite(value);
    const bool low = key_.min && (key_.above ? value <= *key_.min : value < *key_.min);
    const bool high = key_.max && (key_.below ? value >= *key_.max : value > *key_.max);
    if (finite && !low && !high) return true;
    const std::string limits = limits_text(key_);
    const std::string must = finite ? limits : "a finite number" + (limits.empty() ? "" : " " + limits);
    return fail(kOutOfLimits, node, what_ + " is " + given + "; it must be " + must, key_.doc);
  }

  bool text(const Node& node, std::string& value) const {
    value = node.kind != Node::Kind::text && node.raw ? *node.raw : node.text;
    return node.kind == Node::Kind::text || node.raw || wrong_type(node);
  }

  bool choice(const Node& node, const std::string& value) const {
    for (const std::string& each : key_.choices) {
      if (value == each) return true;
    }
    const std::string nearest = nearest_name(value, key_.choices);
    return fail(kNotAChoice, node, what_ + " is " + toml_string(value) + "; it must be " + type_text(key_),
                nearest.empty() ? key_.doc : "did you mean " + toml_string(nearest) + "?");
  }

  bool path(const Node& node, std::string& value) const {
    if (printable(value) != value) {
      return fail(kOutOfLimits, node, what_ + " is a path with a control character in it",
                  "a \\ in \"...\" begins an escape: write '...' or \\\\");
    }
    if (node.place.source && !value.empty()) value = (node.place.source->folder / value).lexically_normal().string();
    if (!is_utf8(value)) return fail(kOutOfLimits, node, what_ + " is in a folder whose name is no UTF-8", key_.doc);
    return true;
  }

  template <class T>
  bool list(const Node& node, std::vector<T>& values, bool (ValueReader::*element)(const Node&, T&) const) const {
    if (node.kind != Node::Kind::list) {
      const bool single = node.kind == Node::Kind::integer || node.kind == Node::Kind::number;
      return wrong_type(node, "a " + type_text(key_), single ? "a list stands in brackets: [1, 2]" : "");
    }
    bool good = true;
    for (size_t i = 0; i < node.items.size(); ++i) {
      const ValueReader reader(key_, "element " + std::to_string(i + 1) + " of " + what_, problems_);
      good = (reader.*element)(node.items[i], values.emplace_back()) && good;
    }
    return good;
  }

  bool rows(const Node& node, Value& value) const {
    if (node.kind != Node::Kind::list) return wrong_type(node);
    for (const Node& row : node.items) {
      const std::string which = "row " + std::to_string(value.rows + 1) + " of " + what_;
      std::vector<double> numbers;
      if (row.kind != Node::Kind::list) {
        return fail(kWrongType, row, which + " is " + row.kind_text() + "; it must be a list of numbers", key_.doc);
      }
      if (!ValueReader(key_, which, problems_).list(row, numbers, &ValueReader::number)) return false;
      const size_t width = node.items[0].items.size();
      if (numbers.size() != width) {
        return fail(kWrongType, row,
                    which + " holds " + std::to_string(numbers.size()) + ", the first row " + std::to_string(width) +
                        "; all rows must be equally long",
                    key_.doc);
      }
      value.numbers.insert(value.numbers.end(), numbers.begin(), numbers.end());
      ++value.rows;
    }
    return true;
  }

  bool wrong_type(const Node& node, std::string expected = "", std::string hint = "") const {
    if (expected.empty()) {
      const std::string type = type_text(key_);
      const bool plain = key_.type == TTFM_PARAM_CHOICE || key_.type == TTFM_PARAM_STUDENT;
      expected = plain ? type : (key_.type == TTFM_PARAM_INT ? "an " : "a ") + type;
    }
    if (hint.empty()) hint = key_.doc;
    return fail(node.kind == Node::Kind::unparsed ? kBadOverride : kWrongType, node,
                what_ + " is " + node.kind_text() + "; it must be " + expected, hint);
  }

  bool fail(int code, const Node& node, std::string message, std::string note) const {
    problems_.add({code, node.place, std::move(message), std::move(note)});
    return false;
  }

  const Key& key_;
  std::string what_;
  Diagnostics& problems_;
};

template <class T, class Text>
std::string list_text(const std::vector<T>& values, size_t first, size_t last, Text text) {
  std::string all = "[";
  for (size_t i = first; i < last; ++i) all += (i > first ? ", " : "") + text(values[i]);
  return all + "]";
}

/// A float of TOML: 3 would be an integer.
std::string float_text(double value) {
  const std::string text = number_text(value);
  return text.find_first_of(".ein") == std::string::npos ? text + ".0" : text;
}

}  // namespace

std::vector<Key> keys_of(const ttfm_param_v1* rows, uint32_t count) {
  std::vector<Key> keys;
  std::set<std::string> names;
  const char* at = reinterpret_cast<const char*>(rows);
  for (uint32_t i = 0; i < count; ++i, at += rows->struct_size) {
    keys.push_back(key_of(*reinterpret_cast<const ttfm_param_v1*>(at)));
    if (!names.insert(keys.back().name).second) refuse_table(keys.back().name, "it is there twice");
  }
  return keys;
}

std::string type_text(const Key& key) {
  switch (key.type) {
    case TTFM_PARAM_BOOL:
      return "boolean";
    case TTFM_PARAM_INT:
      return "integer";
    case TTFM_PARAM_FLOAT:
      return "number";
    case TTFM_PARAM_STRING:
      return "string";
    case TTFM_PARAM_CHOICE:
      return "one of " + join(key.choices);
    case TTFM_PARAM_INT_LIST:
      return "list of integers";
    case TTFM_PARAM_FLOAT_LIST:
      return "list of numbers";
    case TTFM_PARAM_FLOAT_ROWS:
      return "list of lists of numbers";
    case TTFM_PARAM_PATH:
      return "path";
    case TTFM_PARAM_STUDENT:
      return "a student's table";
  }
  return "unknown";
}

std::string limits_text(const Key& key) {
  std::string text;
  if (key.min && !std::isinf(*key.min)) text = (key.above ? "above " : "at least ") + number_text(*key.min);
  if (key.max && !std::isinf(*key.max)) {
    text += (text.empty() ? "" : " and ") + std::string(key.below ? "below " : "at most ") + number_text(*key.max);
  }
  return text;
}

std::optional<Value> read_value(const Node& node, const Key& key, const std::string& section, Diagnostics& problems) {
  Value value;
  value.type = key.type;
  value.origin = origin_of(node.place);
  if (!ValueReader(key, "`" + key.name + "` in " + section, problems).read(node, value)) return {};
  return value;
}

std::string toml_text(const Value& value) {
  switch (value.type) {
    case TTFM_PARAM_BOOL:
      return value.flag ? "true" : "false";
    case TTFM_PARAM_INT:
      return std::to_string(value.integer);
    case TTFM_PARAM_FLOAT:
      return float_text(value.number);
    case TTFM_PARAM_INT_LIST:
      return list_text(value.integers, 0, value.integers.size(), [](int64_t i) { return std::to_string(i); });
    case TTFM_PARAM_FLOAT_LIST:
      return list_text(value.numbers, 0, value.numbers.size(), float_text);
    case TTFM_PARAM_FLOAT_ROWS: {
      std::vector<std::string> rows;
      const size_t width = value.rows ? value.numbers.size() / static_cast<size_t>(value.rows) : 0;
      for (size_t i = 0; i < static_cast<size_t>(value.rows); ++i) {
        rows.push_back(list_text(value.numbers, i * width, (i + 1) * width, float_text));
      }
      return "[" + (rows.empty() ? "" : join(rows)) + "]";
    }
    default:
      return toml_string(value.text);
  }
}

Origin origin_of(const Place& place) {
  if (!place.source) return {};
  const auto kind = place.source->command_line ? Origin::Kind::command_line : Origin::Kind::file;
  return {kind, place.source->name, place.line, place.column};
}

}  // namespace ttfm::config
