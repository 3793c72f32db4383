// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/config.h"

#include <ttfm/error.h>

#include "base/log.h"
#include "config/diagnose.h"
#include "config/merge.h"
#include "config/text.h"
#include "config/validate.h"

namespace ttfm::config {

std::string Origin::text() const {
  switch (kind) {
    case Kind::default_value:
      return "default";
    case Kind::file:
      return printable(file) + ":" + std::to_string(line);
    case Kind::command_line:
      return "command line";
  }
  return "unknown";
}

const Section& Resolved::at(std::string_view path) const {
  const auto found = sections.find(path);
  if (found != sections.end()) return found->second;
  throw Error(ErrorKind::internal,
              "a bug in ttfm: it asks the configuration for [" + std::string(path) + "], which is no section");
}

bool Resolved::has(std::string_view path) const {
  const auto found = sections.find(path);
  return found != sections.end() && found->second.in_use;
}

Resolved resolve(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                 const Components& components) {
  Diagnostics problems;
  const Layers layers = read_layers(file, overrides, problems);
  if (!layers.complete) problems.raise();  // what is missing then may stand in the file that could not be read
  Resolved resolved = validate(layers, components, problems);
  problems.raise();
  return resolved;
}

Resolved load(const std::filesystem::path& file, const std::vector<std::string>& overrides,
              const Components& components) {
  Resolved resolved = resolve(file, overrides, components);
  for (const std::string& warning : resolved.warnings) log::warning(warning);
  return resolved;
}

std::string plugin_path(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  Diagnostics problems;
  const Layers layers = read_layers(file, overrides, problems);
  const Node* const section = layers.complete ? layers.root.find("plugins") : nullptr;
  const Node* const path = section ? section->find("path") : nullptr;
  if (!path) return "";
  return path->kind == Node::Kind::text ? path->text : path->raw.value_or("");
}

}  // namespace ttfm::config
