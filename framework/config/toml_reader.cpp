// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/toml_reader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <climits>
#include <utility>
#include <vector>

#include "base/read_file.h"
#include "config/syntax_advice.h"
#include "config/text.h"

namespace ttfm::config {
namespace {

// toml++ 3.3 limits nested values to 256 but not the parts of a dotted key, and frees them by recursion: a key of
// 100000 parts overflows the stack, and so do 256 nested tables whose keys have 256 parts each.
constexpr size_t kMaxParts = 256;

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

/// One past the end of the string that starts at `start`. One that is never closed ends with its line, or with the text
/// if it may have several: toml++ gives up there.
size_t end_of_string(std::string_view text, size_t start) {
  const char quote = text[start];
  const std::string fence(3, quote);
  const bool multi_line = text.substr(start, 3) == fence;
  for (size_t i = start + (multi_line ? 3 : 1); i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (multi_line && text.substr(i, 3) == fence) {
      size_t end = i + 3;  // two more quotes would belong to the value
      while (end < text.size() && end < i + 5 && text[end] == quote) ++end;
      return end;
    } else if (!multi_line && text[i] == quote) {
      return i + 1;
    } else if (!multi_line && text[i] == '\n') {
      return i;
    }
  }
  return text.size();
}

/// The line of a key that has too many parts, counted together with the keys whose inline tables it stands in, or 0.
int line_of_long_key(std::string_view text) {
  int line = 1;
  size_t dots = 0, of_key = 0;  // so far; in the key before the last '='
  size_t around = 0;            // in the keys around: the sum of `open`
  std::vector<size_t> open;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (const char c = text[i]) {
      case '"':
      case '\'': {
        const size_t end = end_of_string(text, i);
        line += static_cast<int>(std::ranges::count(text.substr(i, end - i), '\n'));
        i = end - 1;
        break;
      }
      case '#':
        i = std::min(text.find('\n', i), text.size()) - 1;
        break;
      case '.':
        if (++dots + around > kMaxParts) return line;
        break;
      case '=':
        of_key = std::exchange(dots, 0);
        break;
      case '{':
      case '[':
        open.push_back(of_key);
        around += of_key;
        dots = of_key = 0;
        break;
      case '}':
      case ']':
        if (!open.empty()) {
          around -= open.back();
          open.pop_back();
        }
        dots = of_key = 0;
        break;
      case ',':
      case '\n':
        dots = of_key = 0;
        line += c == '\n';
        break;
      default:
        break;
    }
  }
  return 0;
}

}  // namespace

std::string read_file(const std::filesystem::path& file) {
  try {
    return ttfm::read_file(file, limits::kConfigBytes);
  } catch (const UnreadableFile& unreadable) {
    throw Error(ErrorKind::config, "cannot read '" + file.string() + "': " + unreadable.what(), kUnreadable);
  }
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
    Problem problem(kSyntax, converter.place(error.source()), syntax_text(error.description()));
    advise(problem, line_of(source->text, problem.place.line), error.description());
    problems.add(std::move(problem));
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
