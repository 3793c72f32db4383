// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/config.h"
#include "config/key.h"
#include "config/text.h"

namespace ttfm::config {
namespace {

struct Flat {
  std::string text;
  bool path = false;
};

/// Every value that acts, under its whole key; a component's type under "SECTION.type".
std::map<std::string, Flat> flat(const Resolved& resolved) {
  std::map<std::string, Flat> all;
  for (const auto& [path, section] : resolved.sections) {
    if (!section.in_use) continue;
    if (!section.type.empty()) all[path + ".type"] = {toml_string(section.type)};
    for (const Values* values : {&section.host, &section.component}) {
      for (const auto& [key, value] : *values) {
        if (value.type != TTFM_PARAM_STUDENT) all[path + "." + key] = {toml_text(value), value.type == TTFM_PARAM_PATH};
      }
    }
  }
  return all;
}

}  // namespace

std::vector<Change> changes(const Resolved& before, const Resolved& now) {
  std::map<std::string, Change> changes;
  for (const auto& [key, value] : flat(before)) changes[key] = {key, value.text, "", value.path};
  for (const auto& [key, value] : flat(now)) {
    Change& change = changes[key];
    change.key = key;
    change.now = value.text;
    change.path = value.path;
  }
  std::vector<Change> list;
  for (auto& [key, change] : changes) {
    if (change.before != change.now) list.push_back(std::move(change));
  }
  return list;
}

}  // namespace ttfm::config
