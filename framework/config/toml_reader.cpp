// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/toml_reader.h"

#include <toml++/toml.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>
#include <system_error>

namespace ttfm::config {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;

// toml++ 3.3 limits nested values to 256 but not the parts of a dotted key, and frees them by recursion: a key of
// 100000 parts overflows the stack.
constexpr int kMaxParts = 256;

class Converter {
 public:
  Converter(const std::shared_ptr<const Source>& source, int shift) : source_(source), shift_(shift) {}

  Node convert(const toml::node& from) const {
    Node to;
    to.place = place(from.source());
    switch (from.type()) {
      case toml::node_type::table: {
        to.kind = Node::Kind::table;
        to.in_line = from.as_table()->is_inline();
        for (const auto& [key, value] : *from.as_table()) {
          Node entry = convert(value);
          entry.key = key.str();
          entry.key_place = place(key.source());
          to.put(std::move(entry));
        }
        break;
      }
      case toml::node_type::array:
        to.kind = Node::Kind::list;
        for (const toml::node& item : *from.as_array()) to.items.push_back(convert(item));
        break;
      case toml::node_type::string:
        to.kind = Node::Kind::text;
        to.text = from.as_string()->get();
        break;
      case toml::node_type::integer:
        to.kind = Node::Kind::integer;
        to.integer = from.as_integer()->get();
        break;
      case toml::node_type::floating_point:
        to.kind = Node::Kind::number;
        to.number = from.as_floating_point()->get();
        break;
      case toml::node_type::boolean:
        to.kind = Node::Kind::boolean;
        to.flag = from.as_boolean()->get();
        break;
      default:
        to.kind = Node::Kind::date;
    }
    return to;
  }

  Place place(const toml::source_region& region) const {
    const auto& [begin, end, path] = region;
    Place result{source_, static_cast<int>(begin.line), static_cast<int>(begin.column) + shift_, 1};
    if (end.line > begin.line)
      result.width = INT_MAX;
    else if (end.column > begin.column)
      result.width = static_cast<int>(end.column - begin.column);
    return result;
  }

 private:
  std::shared_ptr<const Source> source_;
  int shift_;  // from toml++'s columns to the source's
};

/// toml++: "Error while parsing string: unknown escape sequence"
std::string syntax_text(std::string_view description) {
  static constexpr std::string_view kIntroduction = "Error while parsing ";
  if (!description.starts_with(kIntroduction)) return "syntax error: " + std::string(description);
  description.remove_prefix(kIntroduction.size());
  const size_t colon = std::min(description.find(':'), description.size());
  return "syntax error (" + std::string(description.substr(0, colon)) + ")" + std::string(description.substr(colon));
}

/// The line of a key with too many parts, or 0.
int line_of_long_key(std::string_view text) {
  int line = 1, dots = 0;
  for (const char c : text) {
    if (c == '.' && ++dots > kMaxParts) return line;
    if (c == '=' || c == ',' || c == '{' || c == '[' || c == '#' || c == '\n') dots = 0;
    if (c == '\n') ++line;
  }
  return 0;
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& why) -> std::string {
    throw Error(ErrorKind::config, "cannot read '" + file.string() + "': " + why, kUnreadable);
  };
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) return refuse("it is a folder");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse(std::strerror(errno));
  std::string text(kMaxBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return refuse(std::strerror(errno));
  text.resize(static_cast<size_t>(stream.gcount()));
  if (text.size() > kMaxBytes) return refuse("it is larger than 1 MiB, which no configuration is");
  return text;
}

std::optional<Node> parse_file(const std::shared_ptr<const Source>& source, Diagnostics& problems) {
  const Converter converter(source, 0);
  if (const int line = line_of_long_key(source->text)) {
    problems.add(
        {kSyntax, {source, line, 1, 1}, "syntax error: a key of more than " + std::to_string(kMaxParts) + " parts"});
    return {};
  }
  try {
    return converter.convert(toml::parse(std::string_view(source->text), std::string_view(source->name)));
  } catch (const toml::parse_error& error) {
    problems.add({kSyntax, converter.place(error.source()), syntax_text(error.description())});
    return {};
  }
}

std::optional<Node> parse_value(std::string_view text, const std::shared_ptr<const Source>& source, int column) {
  static constexpr std::string_view kKey = "v = ";
  if (line_of_long_key(text)) return {};
  try {
    const toml::table table = toml::parse(std::string(kKey) + std::string(text));
    if (table.size() != 1) return {};  // the text had a line break and a further key behind it
    return Converter(source, column - 1 - static_cast<int>(kKey.size())).convert(*table.get("v"));
  } catch (const toml::parse_error&) {
    return {};
  }
}

}  // namespace ttfm::config
