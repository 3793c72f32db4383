// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/suggest.h"

#include <algorithm>

#include "base/edit_distance.h"
#include "config/schema.h"
#include "config/text.h"

namespace ttfm::config {
namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// True if `word` is one of the parts of `name` between underscores.
bool has_word(const std::string& name, const std::string& word) {
  return ("_" + name + "_").find("_" + word + "_") != std::string::npos;
}

/// The nearest name, unless so much would change that nothing of `given` were left; else one that shares a word.
std::string similar(const std::string& given, const std::vector<std::string>& names) {
  const std::string nearest = nearest_name(given, names);
  if (!nearest.empty() && edit_distance(given, nearest) < given.size()) return nearest;
  for (const std::string& name : names) {
    if (has_word(given, name) || has_word(name, given)) return name;
  }
  return "";
}

Problem unknown_section(const Unknown& unknown) {
  const std::string path = child_path(unknown.section, unknown.entry->key);
  std::string guess = similar(path, unknown.sections);
  for (const SectionSpec& spec : schema()) {  // [guidance] for [teacher.guidance]
    if (guess.empty() && spec.path.ends_with("." + unknown.entry->key)) guess = spec.path;
  }
  std::string note = guess.empty() ? "" : "did you mean [" + guess + "]?   ";
  note +=
      unknown.sections.empty() ? "[" + unknown.section + "] has no tables" : "(valid: " + join(unknown.sections) + ")";
  return {kUnknownSection, unknown.entry->key_place, "unknown section [" + printable(path) + "]", note};
}

}  // namespace

Problem unknown_problem(const Unknown& unknown, const Resolved& resolved) {
  const Node& entry = *unknown.entry;
  if (entry.kind == Node::Kind::table && !entry.in_line) return unknown_section(unknown);

  const std::string nearest = similar(entry.key, unknown.keys);
  std::string elsewhere;  // [train] rather than [teacher.train]
  for (const SectionSpec& spec : schema()) {
    const Section& section = resolved.at(spec.path);
    const bool has = contains(section.host_keys, entry.key) || contains(section.component_keys, entry.key);
    const bool nested = spec.path.find('.') != std::string::npos;
    const bool better = elsewhere.empty() || (!nested && elsewhere.find('.') != std::string::npos);
    if (has && better && spec.path != unknown.section) elsewhere = spec.path;
  }
  std::string note;
  if (!nearest.empty() && (elsewhere.empty() || edit_distance(entry.key, nearest) == 1)) {
    note = "did you mean `" + nearest + "`?   ";
  } else if (!elsewhere.empty()) {
    note = "this key exists in [" + elsewhere + "]   ";
  }
  note += unknown.keys.empty() ? "(sections: " + join(unknown.sections) + ")" : "(valid: " + join(unknown.keys) + ")";

  std::string message = "unknown key `" + printable(entry.key) + "` ";
  message += unknown.section.empty() ? "outside of all sections" : "in [" + unknown.section + "]";
  if (!unknown.owner.empty()) message += ": " + unknown.owner + " has no such parameter";
  return {kUnknownKey, entry.key_place, message, note};
}

}  // namespace ttfm::config
