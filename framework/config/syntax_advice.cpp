// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/syntax_advice.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "config/text.h"

namespace ttfm::config {
namespace {

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const size_t end = text.find_last_not_of(" \t");
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

std::string_view without_comment(std::string_view text) { return trimmed(text.substr(0, text.find('#'))); }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// What the parser's words alone tell.
std::string by_words(std::string_view line, std::string_view said) {
  const bool control = printable(line) != line && line.find_first_not_of("\t") != std::string_view::npos;
  const std::array<std::pair<std::string_view, std::string_view>, 11> known = {{
      {"utf-8", "save the file as UTF-8"},
      {"unknown escape", R"(a \ in "..." begins an escape: write '...' or \\)"},
      {"redefine existing table", "a section stands once: join the two"},
      {"as dotted", "it has a value, so nothing can stand below it"},
      {"redefine", "a key stands once in its section"},
      {"string: encountered end-of-file", R"(a string that begins with """ ends with """)"},
      {"unescaped control", control ? R"(write control characters as escapes: \t, \u001b)" : "the string does not end"},
      {"table header: expected ']'", "a section ends with ]"},
      {"array: expected comma", "a , or the list's ] is missing before this"},
      {"root table: expected", "this is no TOML: a section is written [name], a value key = value"},
      {"64 bits", "the largest integer is 9223372036854775807"},
  }};
  for (const auto& [words, advice] : known) {
    if (said.find(words) != std::string_view::npos) return std::string(advice);
  }
  return "";
}

/// "steps 100" and "steps: 100" as "steps = 100".
std::string as_assignment(std::string_view line) {
  const std::string_view text = without_comment(line);
  const size_t end = std::min(text.find_first_of(" \t:"), text.size());
  const size_t value = text.find_first_not_of(" \t:", end);
  if (value == std::string_view::npos) return "write key = value";
  return "write " + printable(text.substr(0, end)) + " = " + printable(text.substr(value));
}

/// What is wrong with a value, as far as its text shows it.
std::string by_value(std::string_view value, std::string_view said) {
  const std::string_view plain = without_comment(value);
  if (plain.empty()) return "the value is missing";
  for (const std::string_view quote : {"\u201c", "\u201d", "\u201e", "\u2018", "\u2019", "\u00ab", "\u00bb"}) {
    if (plain.starts_with(quote)) return R"(write plain quotation marks: "...")";
  }
  if (plain.front() == '.' && plain.size() > 1 && is_digit(plain[1])) return "write 0" + printable(plain);
  if (said.find("leading zero") != std::string_view::npos) {
    const size_t digit = plain.find_first_not_of('0');
    return "write " + (digit == std::string_view::npos ? "0" : printable(plain.substr(digit)));
  }
  if (said.find("parsing date") != std::string_view::npos) return "a string stands in quotation marks";
  if (said.find("saw '/'") != std::string_view::npos) return "a comment begins with #";
  if (said.find("saw ';'") != std::string_view::npos) return "a value ends with its line, without a ;";
  if (const size_t comma = plain.find(',');
      said.find("saw ','") != std::string_view::npos && comma + 1 < plain.size()) {
    if (!is_digit(plain[comma + 1])) return "a key begins a line of its own";
    std::string number(plain);
    number[comma] = '.';
    return "write " + printable(number);
  }
  return "";
}

/// True, None, first: a word where a value should be.
std::string by_word(std::string_view word) {
  const std::string plain = lower(word);
  for (const std::string_view yes : {"true", "yes", "on"}) {
    if (plain == yes) return "write true";
  }
  for (const std::string_view no : {"false", "no", "off"}) {
    if (plain == no) return "write false";
  }
  for (const std::string_view nothing : {"null", "none", "nil"}) {
    if (plain == nothing) return "to leave a value out, leave its key out";
  }
  return "a string stands in quotation marks: " + toml_string(word);
}

}  // namespace

void advise(Problem& problem, std::string_view line, std::string_view said) {
  problem.note = by_words(line, said);
  if (!problem.note.empty()) return;
  if (said.find("expected '='") != std::string_view::npos) {
    problem.note = as_assignment(line);
    return;
  }
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos || static_cast<size_t>(problem.place.column) <= equals) return;
  const size_t begin = std::min(line.find_first_not_of(" \t", equals + 1), line.size());
  const std::string_view value = line.substr(begin);
  const std::string_view word = value.substr(0, value.find_first_of(" \t#,]}"));
  const bool ascii = std::all_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  if (word.empty() || !is_letter(word.front()) || !ascii) {
    problem.note = by_value(value, said);
    return;
  }
  problem.message = "syntax error: `" + printable(word) + "` is no value";
  problem.note = by_word(word);
  problem.place.column = static_cast<int>(begin) + 1;
  problem.place.width = static_cast<int>(word.size());
}

}  // namespace ttfm::config
