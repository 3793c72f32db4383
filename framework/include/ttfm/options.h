// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <ttfm/abi.h>
#include <ttfm/config.h>

/// Parameters described once. A component lists its parameters in one function of a plain struct; the table that the host
/// validates, prints and documents, and the code that reads the validated values, both come from that list:
///
///     struct Options {
///       double step = 0.2;                          // the default, where the field is declared
///       Integrator integrator = Integrator::heun;   // an enum whose values 0, 1, ... are the choices in order
///
///       template <class Visitor>
///       void describe(Visitor& v) {
///         v("step", step, "h, the longest step of the teacher's ODE").above(0);
///         v.choice("integrator", integrator, {"euler", "heun", "rk4"}, "how that step is made");
///       }
///     };
///
/// Field types: bool, int64_t, double, std::string, Path, std::vector of int64_t or double, Rows, NestedStudent, and
/// std::optional of the scalars (no default; absent unless given).
namespace ttfm {

/// A path; relative ones are relative to the file that has the key, or to the working directory on the command line.
struct Path {
  std::string value;  ///< absolute, once read
};

/// A list of lists of numbers, all of one length, row after row.
struct Rows {
  std::vector<double> values;  ///< all rows, one after the other
  int64_t count = 0;           ///< rows
};

/// A nested student: its facade, null until read. Only of a teacher, as its parameter `network`.
struct NestedStudent {
  const FlowMap* map = nullptr;  ///< owned by the host
};

namespace options_detail {

inline std::string toml(bool value) { return value ? "true" : "false"; }

inline std::string toml(int64_t value) { return std::to_string(value); }

inline std::string toml(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

inline std::string toml(const std::string& value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

inline std::string toml(const Path& value) { return toml(value.value); }

template <class T>
std::string toml(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& value : values) text += (text.size() > 1 ? ", " : "") + toml(value);
  return text + "]";
}

inline std::string toml(const Rows& rows) {
  std::string text = "[";
  const size_t width = rows.count ? rows.values.size() / static_cast<size_t>(rows.count) : 0;
  for (size_t i = 0; i < static_cast<size_t>(rows.count); ++i) {
    const auto first = rows.values.begin() + static_cast<std::ptrdiff_t>(i * width);
    text += (i ? ", " : "") + toml(std::vector<double>(first, first + static_cast<std::ptrdiff_t>(width)));
  }
  return text + "]";
}

template <class T>
constexpr ttfm_param_type type_of() {
  if constexpr (std::is_same_v<T, bool>) return TTFM_PARAM_BOOL;
  if constexpr (std::is_same_v<T, int64_t>) return TTFM_PARAM_INT;
  if constexpr (std::is_same_v<T, double>) return TTFM_PARAM_FLOAT;
  if constexpr (std::is_same_v<T, std::string>) return TTFM_PARAM_STRING;
  if constexpr (std::is_same_v<T, Path>) return TTFM_PARAM_PATH;
  if constexpr (std::is_same_v<T, std::vector<int64_t>>) return TTFM_PARAM_INT_LIST;
  if constexpr (std::is_same_v<T, std::vector<double>>) return TTFM_PARAM_FLOAT_LIST;
  if constexpr (std::is_same_v<T, Rows>) return TTFM_PARAM_FLOAT_ROWS;
  if constexpr (std::is_same_v<T, NestedStudent>) return TTFM_PARAM_STUDENT;
}

}  // namespace options_detail

/// The table of a component's parameters, built from its Options. Keeps the texts that the rows point to.
class ParamTable {
 public:
  /// The limits and notes of the row that was just added.
  class Row {
   public:
    /// Of row `index` of a table.
    Row(ParamTable& table, size_t index) : table_(table), index_(index) {}
    /// The least value, or the least element of a list.
    Row& min(double limit) { return limit_to(&ttfm_param_v1::min_toml, limit, 0); }
    /// A limit that the value must be above.
    Row& above(double limit) { return limit_to(&ttfm_param_v1::min_toml, limit, TTFM_PARAM_MIN_EXCLUSIVE); }
    /// The greatest value, or the greatest element of a list.
    Row& max(double limit) { return limit_to(&ttfm_param_v1::max_toml, limit, 0); }
    /// A limit that the value must be below.
    Row& below(double limit) { return limit_to(&ttfm_param_v1::max_toml, limit, TTFM_PARAM_MAX_EXCLUSIVE); }
    /// The unit, for the documentation, such as "s".
    Row& unit(const char* text) { return row().unit = text, *this; }
    /// The version of the plugin that added it.
    Row& since(const char* version) { return row().since = version, *this; }
    /// Left out of short listings.
    Row& advanced() { return row().flags |= TTFM_PARAM_ADVANCED, *this; }
    /// Must be given: the field's initial value is no default.
    Row& required() {
      row().flags |= TTFM_PARAM_REQUIRED;
      row().default_toml = nullptr;
      return *this;
    }

   private:
    ttfm_param_v1& row() { return table_.rows_[index_]; }
    Row& limit_to(const char* ttfm_param_v1::*field, double limit, uint32_t flag) {
      row().*field = table_.keep(options_detail::toml(limit));
      row().flags |= flag;
      return *this;
    }
    ParamTable& table_;
    size_t index_;
  };

  /// A parameter: its key, the field with its default, one line that says what it means.
  template <class T>
  Row operator()(const char* name, const T& field, const char* doc) {
    return add(name, options_detail::type_of<T>(), default_of(field), doc);
  }

  /// A parameter without a default, which is absent unless given.
  template <class T>
  Row operator()(const char* name, const std::optional<T>&, const char* doc) {
    return add(name, options_detail::type_of<T>(), nullptr, doc);
  }

  /// A choice: the texts of the enum's values 0, 1, ... in their order.
  template <class Enum>
  requires std::is_enum_v<Enum> Row choice(const char* name, const Enum& field,
                                           std::initializer_list<const char*> names, const char* doc) {
    std::string all;
    for (const char* each : names) all.append(all.empty() ? "" : "|").append(each);
    const char* const initial = names.begin()[static_cast<size_t>(field)];
    const Row row = add(name, TTFM_PARAM_CHOICE, keep(options_detail::toml(std::string(initial))), doc);
    rows_.back().choices = keep(std::move(all));
    return row;
  }

  /// The table, for the descriptor; valid as long as the ParamTable.
  const std::vector<ttfm_param_v1>& rows() const { return rows_; }

 private:
  template <class T>
  const char* default_of(const T& field) {
    return keep(options_detail::toml(field));
  }
  const char* default_of(const NestedStudent&) { return nullptr; }

  Row add(const char* name, ttfm_param_type type, const char* default_toml, const char* doc) {
    ttfm_param_v1 row{};
    row.struct_size = sizeof row;
    row.type = type;
    row.name = name;
    row.default_toml = default_toml;
    row.doc = doc;
    rows_.push_back(row);
    return Row(*this, rows_.size() - 1);
  }

  const char* keep(std::string text) { return texts_.emplace_back(std::move(text)).c_str(); }

  std::vector<ttfm_param_v1> rows_;
  std::deque<std::string> texts_;  // does not move what it holds
};

/// Fills an Options from validated values.
class OptionsReader {
 public:
  /// Stands for ParamTable::Row: the values have been validated already.
  struct Row {
    Row& min(double) { return *this; }         ///< nothing
    Row& above(double) { return *this; }       ///< nothing
    Row& max(double) { return *this; }         ///< nothing
    Row& below(double) { return *this; }       ///< nothing
    Row& unit(const char*) { return *this; }   ///< nothing
    Row& since(const char*) { return *this; }  ///< nothing
    Row& advanced() { return *this; }          ///< nothing
    Row& required() { return *this; }          ///< nothing
  };

  /// Reads from `config`, which has to outlive it.
  explicit OptionsReader(const Config& config) : config_(config) {}

  /// Sets `field`.
  template <class T>
  Row operator()(const char* name, T& field, const char*) {
    read(name, field);
    return {};
  }

  /// Sets `field` if the parameter was given.
  template <class T>
  Row operator()(const char* name, std::optional<T>& field, const char*) {
    if (config_.has(name)) read(name, field.emplace());
    return {};
  }

  /// Sets `field` to the value whose text was given.
  template <class Enum>
  requires std::is_enum_v<Enum> Row choice(const char* name, Enum& field, std::initializer_list<const char*> names,
                                           const char*) {
    const Name value = config_.text(name);
    size_t index = 0;
    for (const char* each : names) {
      if (value == each) field = static_cast<Enum>(index);
      ++index;
    }
    return {};
  }

 private:
  void read(const char* name, bool& field) { field = config_.flag(name); }
  void read(const char* name, int64_t& field) { field = config_.integer(name); }
  void read(const char* name, double& field) { field = config_.number(name); }
  void read(const char* name, std::string& field) { field = config_.text(name); }
  void read(const char* name, Path& field) { field.value = config_.text(name); }
  void read(const char* name, std::vector<int64_t>& field) { field = config_.integers(name).vec(); }
  void read(const char* name, std::vector<double>& field) { field = config_.numbers(name).vec(); }
  void read(const char* name, Rows& field) { field = {config_.numbers(name).vec(), config_.rows(name)}; }
  void read(const char* name, NestedStudent& field) { field.map = &config_.student(name); }

  const Config& config_;
};

/// An Options struct with the values of `config`.
template <class Options>
Options read_options(const Config& config) {
  Options options;
  OptionsReader reader(config);
  options.describe(reader);
  return options;
}

/// The table of an Options struct.
template <class Options>
ParamTable param_table() {
  Options options;
  ParamTable table;
  options.describe(table);
  return table;
}

}  // namespace ttfm
