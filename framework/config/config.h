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

#include "config/node.h"

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

/// One validated value; the member that `type` names is set. A nested student (TTFM_PARAM_STUDENT) has in `text` the
/// path of the section that holds it.
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

/// The values of a table by key. An optional key without a default that was not given is absent.
using Values = std::map<std::string, Value, std::less<>>;

/// Where a key or a section was given, by its name; what is not in it was not.
using Places = std::map<std::string, Place, std::less<>>;

/// The validated values of one table.
struct Section {
  std::string path;  ///< "train", "teacher.network"
  std::string type;  ///< the component's name; "" for a section without one
  Origin type_origin;
  bool given = false;                  ///< the table stands in some layer
  bool in_use = false;                 ///< given and with an effect, or needed with its defaults
  Values host;                         ///< the host's own keys
  Values component;                    ///< the component's parameters
  Places places;                       ///< of its keys that were given; "" is its header
  std::vector<std::string> host_keys;  ///< every key of the host, in the schema's order; also those without a value
  std::vector<std::string> component_keys;  ///< every parameter of the component, in its table's order
};

/// A validated configuration.
struct Resolved {
  std::filesystem::path file;                            ///< the user's file
  std::string source;                                    ///< its bytes
  std::map<std::string, Section, std::less<>> sections;  ///< by path; every section of the schema, and nested students
  std::vector<std::string> warnings;                     ///< values without effect, each with its place

  /// Throws ttfm::Error (internal) for a path that is no section.
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

/// Reads, merges, validates and logs the warnings. Throws ttfm::Error (config; plugin where a component cannot be
/// loaded and nothing else is wrong) whose text holds every error of the configuration, each with number, file, line,
/// source line, caret, suggestion and valid keys: at most 20, then "and n more". Its code is that of the first.
Resolved load(const std::filesystem::path& file, const std::vector<std::string>& overrides,
              const Components& components);

/// The same without logging the warnings.
Resolved resolve(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                 const Components& components);

/// A value that differs between two configurations.
struct Change {
  std::string key;          ///< "train.lr", "loss.type"
  std::string before, now;  ///< as TOML; "": there is none
  bool path = false;        ///< it names a file or folder
};

/// What differs between two configurations among the values that act, by key.
std::vector<Change> changes(const Resolved& before, const Resolved& now);

/// The value of [plugins] path alone, for finding the components that load() asks about. Nothing else is validated; ""
/// where the layers cannot be read, which load() then reports.
std::string plugin_path(const std::filesystem::path& file, const std::vector<std::string>& overrides);

/// The resolved configuration as TOML in the schema's order, each value followed by its origin as a comment. Loading it
/// gives the same values. `only_given` leaves out what is default.
std::string print(const Resolved& resolved, bool only_given = false);

/// The same as one JSON object: {"train": {"lr": {"value": 0.001, "origin": "default"}, ...}, ...}.
std::string print_json(const Resolved& resolved);

}  // namespace ttfm::config
