// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <ttfm/abi.h>

/// From TOML layers to validated values. Layers, lowest to highest: default of the section or plugin; files named by
/// `extends`; the user's file; `--section.key=value` on the command line. No TOML type leaves this folder.
namespace ttfm::config {

/// Where a value comes from.
struct Origin {
  enum class Kind { default_value, file, command_line };
  Kind kind = Kind::default_value;
  std::string file;  ///< as it was named
  int line = 0;      ///< from 1
  int column = 0;

  std::string text() const;  ///< "default", "base.toml:12", "command line"
};

/// One validated value; the member that `type` names is set.
struct Value {
  ttfm_param_type type = TTFM_PARAM_STRING;
  bool flag = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;  ///< strings, choices, paths (absolute)
  std::vector<int64_t> integers;
  std::vector<double> numbers;
  int64_t rows = 0;
  Origin origin;
};

/// The validated values of one table. Holds every key that has a value or a default.
struct Section {
  std::string path;                                ///< "train", "teacher.network"
  std::string type;                                ///< the component's name; "" for a section without one
  Origin type_origin;
  bool given = false;                              ///< the table stands in some layer
  std::map<std::string, Value, std::less<>> host;       ///< the host's own keys
  std::map<std::string, Value, std::less<>> component;  ///< the component's parameters
};

/// A validated configuration.
struct Resolved {
  std::filesystem::path file;                          ///< the user's file
  std::string source;                                  ///< its bytes
  std::map<std::string, Section, std::less<>> sections;  ///< by path; every section of the schema is there

  const Section& at(std::string_view path) const;
  bool has(std::string_view path) const;  ///< the section is in use: given, or needed with its defaults
};

/// What the validation asks about components. The host's registry answers.
class Components {
 public:
  virtual ~Components() = default;

  struct Table {
    const ttfm_param_v1* params = nullptr;  ///< walked in steps of params->struct_size
    uint32_t count = 0;
    std::string provider;  ///< "itvm 0.1.0 (path)", for messages
  };

  /// The parameters of a component. Throws ttfm::Error with the reason (no such component and the nearest names: E115;
  /// its plugin cannot be loaded: E103, ...); that text becomes the message at the line of `type`.
  virtual Table find(ttfm_kind kind, std::string_view name) const = 0;

  /// The known names of a kind, sorted.
  virtual std::vector<std::string> names(ttfm_kind kind) const = 0;
};

/// Reads, merges and validates. Throws ttfm::Error (config) whose text holds every error of the configuration, each with
/// number, file, line, source line, caret, suggestion and valid keys: at most 20, then "and n more".
Resolved load(const std::filesystem::path& file, const std::vector<std::string>& overrides,
              const Components& components);

/// The resolved configuration as TOML in the schema's order, each value followed by its origin as a comment. Loading it
/// gives the same values.
std::string print(const Resolved& resolved, bool only_given = false);

/// The same as one JSON object.
std::string print_json(const Resolved& resolved);

}  // namespace ttfm::config
