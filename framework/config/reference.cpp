// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/reference.h"

#include <ttfm/error.h>

#include "config/key.h"
#include "config/schema.h"

namespace ttfm::config {
namespace {

/// One cell of a table.
std::string cell(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '|') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

std::string code(const std::string& text) { return "`" + text + "`"; }

void add_head(std::string& page) {
  page += "| key | type | default | limits | unit | meaning |\n| --- | --- | --- | --- | --- | --- |\n";
}

void add_row(std::string& page, const Key& key) {
  std::string initial = key.required ? "required" : "";
  if (key.default_value) initial = code(toml_text(*key.default_value));
  if (key.type == TTFM_PARAM_STUDENT) initial = "required";
  std::string type = type_text(key);
  if (key.type == TTFM_PARAM_CHOICE) {
    type.clear();
    for (const std::string& choice : key.choices) type += (type.empty() ? "" : ", ") + code("\"" + choice + "\"");
  }
  page += "| " + code(key.name) + " | " + cell(type) + " | " + cell(initial) + " | " + limits_text(key) + " | " +
          cell(key.unit) + " | " + cell(key.doc) + " |\n";
}

}  // namespace

std::string host_reference_markdown() {
  std::string page;
  for (const SectionSpec& section : schema()) {
    page += (page.empty() ? "### `[" : "\n### `[") + section.path + "]`\n\n" + section.doc + "\n\n";
    add_head(page);
    if (section.kind) {
      const std::string initial = section.default_type.empty() ? "required" : code("\"" + section.default_type + "\"");
      page += "| `type` | string | " + initial + " | | | the " + kind_text(*section.kind) +
              "; its parameters are keys beside this one |\n";
    }
    for (const Key& key : section.keys) add_row(page, key);
  }
  return page;
}

std::string reference_markdown(const Components& components) {
  std::string page = host_reference_markdown();
  for (const ttfm_kind kind : {TTFM_DATASET, TTFM_TEACHER, TTFM_STUDENT, TTFM_LOSS, TTFM_SAMPLER}) {
    for (const std::string& name : components.names(kind)) {
      page += "\n### " + kind_text(kind) + " `" + name + "`\n\n";
      try {
        const Components::Table table = components.find(kind, name);
        const std::vector<Key> keys = keys_of(table.params, table.count);
        if (!table.provider.empty()) page += "From " + table.provider + ".\n\n";
        if (keys.empty()) {
          page += "No parameters.\n";
          continue;
        }
        add_head(page);
        for (const Key& key : keys) add_row(page, key);
      } catch (const Error& error) {
        page += "Cannot be described: " + cell(error.what()) + "\n";
      }
    }
  }
  return page;
}

}  // namespace ttfm::config
