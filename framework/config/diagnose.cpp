// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/diagnose.h"

#include <algorithm>
#include <tuple>

#include "config/text.h"

namespace ttfm::config {
namespace {

constexpr size_t kShown = 20;        // problems
constexpr size_t kExcerpt = 120;     // characters of a source line
constexpr size_t kBeforeCaret = 60;  // of those, where the line is cut at its front
constexpr size_t kGutter = 5;        // digits of a line number

/// The characters of a line, each as its bytes; a space for tabs and other control characters, a ? for a byte that is no
/// UTF-8.
std::vector<std::string> characters(std::string_view line) {
  std::vector<std::string> all;
  for (size_t length = 0; !line.empty(); line.remove_prefix(std::max<size_t>(length, 1))) {
    length = utf8_length(line);
    const std::string_view character = line.substr(0, length);
    all.emplace_back(length == 0 ? "?" : printable(character) == character ? character : " ");
  }
  return all;
}

std::string excerpt(const Place& place, const std::string& note) {
  const std::vector<std::string> line = characters(line_of(place.source->text, place.line));
  const size_t column = std::min(static_cast<size_t>(std::max(place.column, 1) - 1), line.size());
  const size_t first = line.size() > kExcerpt && column > kBeforeCaret ? column - kBeforeCaret : 0;
  const size_t last = std::min(line.size(), first + kExcerpt);
  std::string text = first ? "..." : "";
  const size_t indent = text.size() + column - first;
  for (size_t i = first; i < last; ++i) text += line[i];
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (last < line.size()) text += "...";

  const std::string number = place.source->command_line ? "" : std::to_string(place.line);
  const std::string gutter = std::string(kGutter - std::min(kGutter, number.size()), ' ') + number + " | ";
  const size_t room = last > column ? last - column : 1;
  const size_t width = std::clamp<size_t>(static_cast<size_t>(std::max(place.width, 1)), 1, room);
  return gutter + text + "\n" + std::string(gutter.size() - 2, ' ') + "| " + std::string(indent, ' ') +
         std::string(width, '^') + (note.empty() ? "" : " " + note);
}

bool before(const Problem& a, const Problem& b) {
  const auto key = [](const Problem& p) {
    return std::make_tuple(p.place.source ? p.place.source->order : -1, p.place.line, p.place.column);
  };
  return key(a) < key(b);
}

}  // namespace

Problem::Problem(int code_, Place place_, std::string message_, std::string note_, ErrorKind kind_)
    : code(code_), place(std::move(place_)), message(std::move(message_)), note(std::move(note_)), kind(kind_) {}

std::string place_text(const Place& place) {
  if (!place.source) return "default";
  const std::string name = printable(place.source->name);
  return place.source->command_line || place.line == 0 ? name : name + ":" + std::to_string(place.line);
}

std::string format(const Problem& problem) {
  const Place& place = problem.place;
  std::string text = "error";
  if (problem.code) text.append("[E").append(std::to_string(problem.code)).append("]");
  text.append(": ").append(problem.message);
  if (place.source) text.append("\n  --> ").append(place_text(place));
  if (place.source && place.line) {
    if (!place.source->command_line) text.append(":").append(std::to_string(place.column));
    return text.append("\n").append(excerpt(place, problem.note));
  }
  return problem.note.empty() ? text : text.append("\n  = ").append(problem.note);
}

void Diagnostics::raise() const {
  if (problems_.empty()) return;
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(), before);
  // a base that two files extend is read twice
  const auto same = [](const Problem& a, const Problem& b) {
    return a.message == b.message && place_text(a.place) == place_text(b.place) && a.place.column == b.place.column;
  };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());

  std::string text;
  for (size_t i = 0; i < std::min(kShown, sorted.size()); ++i) text += (i ? "\n\n" : "") + format(sorted[i]);
  if (sorted.size() > kShown) text += "\n\nand " + std::to_string(sorted.size() - kShown) + " more";
  const auto wrong = std::find_if(sorted.begin(), sorted.end(),
                                  [](const Problem& problem) { return problem.kind == ErrorKind::config; });
  throw Error(wrong == sorted.end() ? sorted.front().kind : ErrorKind::config, text, sorted.front().code);
}

}  // namespace ttfm::config
