// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the layers of a configuration say, before it is validated: a tree of nodes that know where they stand.
namespace ttfm::config {

/// A text that keys come from: a file, or one override.
struct Source {
  std::string name;              ///< the file as it was named; "command line"
  std::filesystem::path folder;  ///< where relative paths in it start
  std::string text;
  bool command_line = false;
  int order = 0;  ///< errors are listed in this order: the user's file, its bases, the command line
};

/// A stretch of a line.
struct Place {
  std::shared_ptr<const Source> source;  ///< null: nowhere, a default
  int line = 0;                          ///< from 1; 0: the source as a whole
  int column = 0;                        ///< from 1, in characters
  int width = 1;                         ///< in characters; may reach beyond the end of the line
};

struct Node {
  enum class Kind { boolean, integer, number, text, date, list, table, unparsed /* an override that is no TOML */ };

  std::string key;  ///< in a table; "" in a list
  Place key_place;
  Kind kind = Kind::table;
  Place place;  ///< of the value; of the header of a table
  bool flag = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  bool in_line = false;            ///< a table that is written { ... }
  std::optional<std::string> raw;  ///< an override's right-hand side
  std::vector<Node> items;         ///< elements of a list in order; entries of a table sorted by key

  const Node* find(std::string_view name) const;  ///< the entry of a table, or null
  Node* find(std::string_view name);
  Node& put(Node entry);  ///< adds an entry, or replaces the one of the same key
  void remove(std::string_view name);

  const char* kind_text() const;  ///< "an integer"
};

}  // namespace ttfm::config
