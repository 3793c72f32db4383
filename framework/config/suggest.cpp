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
  const bool near = edit_distance(given, nearest) < given.size() || equal_but_for_case(given, nearest);
  if (!nearest.empty() && near) return nearest;
  for (const std::string& name : names) {
    if (has_word(given, name) || has_word(name, given)) return name;
  }
  return "";
}

bool has_key(const Section& section, const std::string& key) {
  return contains(section.host_keys, key) || contains(section.component_keys, key);
}

/// The section that has a key of this name, rather [train] than [teacher.train]; "" if none but `besides` has.
std::string section_with(const std::string& key, const Resolved& resolved, const std::string& besides) {
  std::string found;
  for (const SectionSpec& spec : schema()) {
    const bool nested = spec.path.find('.') != std::string::npos;
    const bool better = found.empty() || (!nested && found.find('.') != std::string::npos);
    if (better && spec.path != besides && has_key(resolved.at(spec.path), key)) found = spec.path;
  }
  return found;
}

/// "`lr` is a key of [train]" for the keys of a table that is no section; "" if no section has them.
std::string where_its_keys_are(const Node& table, const Resolved& resolved) {
  for (const Node& entry : table.items) {
    const std::string section = entry.key == "type" ? "" : section_with(entry.key, resolved, "");
    if (!section.empty()) return "`" + entry.key + "` is a key of [" + section + "]   ";
  }
  return "";
}

Problem unknown_section(const Unknown& unknown, const Resolved& resolved) {
  const std::string path = child_path(unknown.section, unknown.entry->key);
  std::string guess = similar(path, unknown.sections);
  for (const SectionSpec& spec : schema()) {  // [guidance] for [teacher.guidance]
    if (guess.empty() && spec.path.ends_with("." + unknown.entry->key)) guess = spec.path;
  }
  std::string note = guess.empty() ? where_its_keys_are(*unknown.entry, resolved) : "did you mean [" + guess + "]?   ";
  note +=
      unknown.sections.empty() ? "[" + unknown.section + "] has no tables" : "(valid: " + join(unknown.sections) + ")";
  return {kUnknownSection, unknown.entry->key_place, "unknown section [" + printable(path) + "]", note};
}

}  // namespace

Problem unknown_problem(const Unknown& unknown, const Resolved& resolved) {
  const Node& entry = *unknown.entry;
  if (entry.kind == Node::Kind::table && !entry.in_line) return unknown_section(unknown, resolved);

  const std::string nearest = similar(entry.key, unknown.keys);
  const std::string elsewhere = section_with(entry.key, resolved, unknown.section);
  std::string note;
  if (unknown.section.empty() && nearest_name(entry.key, {"extends"}) == "extends") {
    note = "did you mean `extends`?   ";
  } else if (entry.key == "extends") {
    note = "`extends` stands above all sections   ";
  } else if (!nearest.empty() && (elsewhere.empty() || edit_distance(entry.key, nearest) == 1)) {
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
