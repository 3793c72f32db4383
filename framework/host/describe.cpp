// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/describe.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <ttfm/error.h>
#include "base/edit_distance.h"
#include "base/error_codes.h"
#include "base/kinds.h"
#include "base/text_table.h"
#include "host/handshake.h"

namespace ttfm::host {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

/// JSON is UTF-8, and a path need not be: what is not becomes U+FFFD.
std::string json_text(const Json& json, int indent = -1) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string state_text(ComponentInfo::State state) {
  switch (state) {
    case ComponentInfo::State::closed:
      return "closed";
    case ComponentInfo::State::open:
      return "open";
    case ComponentInfo::State::shadowed:
      return "shadowed";
    case ComponentInfo::State::refused:
      return "refused";
  }
  return "";
}

/// Why a row of the list cannot be used; "" if it can.
std::string trouble(const ComponentInfo& info) {
  if (info.state == ComponentInfo::State::refused) return "refused, E" + std::to_string(info.code) + ": " + info.reason;
  if (info.state == ComponentInfo::State::shadowed) return "not used: a file earlier in the search order offers it too";
  return "";
}

std::string kind_of(const Component& component) {
  return std::string(kind_name(static_cast<ttfm_kind>(component.table->kind)));
}

std::string abi_text(const ttfm_plugin_v1& plugin) {
  return std::to_string(plugin.abi_major) + "." + std::to_string(plugin.abi_minor);
}

/// A text of a descriptor that may be left out.
std::string or_none(const char* text, const std::string& before = "") { return text && *text ? before + text : ""; }

std::vector<const ttfm_param_v1*> params_of(const Component& component) {
  std::vector<const ttfm_param_v1*> params;
  for (uint32_t i = 0; i < component.table->param_count; ++i) params.push_back(&param_at(component.table->params, i));
  return params;
}

std::string default_text(const ttfm_param_v1& param) {
  if (param.flags & TTFM_PARAM_REQUIRED) return "required";
  if (param.default_toml) return param.default_toml;
  return param.type == TTFM_PARAM_STUDENT ? "a table" : "none";
}

/// "the longest step; in s"
std::string doc_with_unit(const ttfm_param_v1& param) {
  return param.doc + (param.unit ? "; in " + std::string(param.unit) : "");
}

/// "the longest step (number in s, > 0)"
std::string doc_with_type(const ttfm_param_v1& param, const std::string& first = "") {
  const std::string range = range_text(param);
  return param.doc + (" (" + first) + type_text(param) + (param.unit ? " in " + std::string(param.unit) : "") +
         (range.empty() ? "" : ", " + range) + ")";
}

std::string plain_type_text(uint32_t type) {
  switch (type) {
    case TTFM_PARAM_BOOL:
      return "true or false";
    case TTFM_PARAM_INT:
      return "integer";
    case TTFM_PARAM_FLOAT:
      return "number";
    case TTFM_PARAM_STRING:
      return "text";
    case TTFM_PARAM_PATH:
      return "path";
    case TTFM_PARAM_INT_LIST:
      return "list of integers";
    case TTFM_PARAM_FLOAT_LIST:
      return "list of numbers";
    case TTFM_PARAM_FLOAT_ROWS:
      return "list of lists of numbers";
    case TTFM_PARAM_STUDENT:
      return "table of a student";
    default:
      return "";
  }
}

}  // namespace

std::string type_text(const ttfm_param_v1& param) {
  if (param.type != TTFM_PARAM_CHOICE) return plain_type_text(param.type);
  std::string text = "one of ";
  for (const char* c = param.choices; *c; ++c) text += *c == '|' ? std::string(", ") : std::string(1, *c);
  return text;
}

std::string range_text(const ttfm_param_v1& param) {
  std::string text;
  if (param.min_toml) text += (param.flags & TTFM_PARAM_MIN_EXCLUSIVE ? "> " : ">= ") + std::string(param.min_toml);
  if (param.min_toml && param.max_toml) text += ", ";
  if (param.max_toml) text += (param.flags & TTFM_PARAM_MAX_EXCLUSIVE ? "< " : "<= ") + std::string(param.max_toml);
  return text;
}

std::string list_text(const std::vector<ComponentInfo>& components) {
  if (components.empty()) return "no plugins\n";
  std::vector<Row> rows = {{"KIND", "NAME", "VERSION", "PATH", "SUMMARY"}};
  for (const ComponentInfo& info : components) {
    const auto or_dash = [](const std::string& text) { return text.empty() ? std::string("-") : text; };
    rows.push_back({or_dash(info.kind), or_dash(info.name), or_dash(info.version), info.path.string(), info.summary});
  }
  const std::string lines = text_table(rows);
  std::string text;
  size_t start = 0;
  for (size_t i = 0; i < rows.size(); ++i) {  // a reason goes below its line: it would widen a column for all
    const size_t end = lines.find('\n', start) + 1;
    text += lines.substr(start, end - start);
    start = end;
    if (i == 0) continue;
    if (const std::string reason = trouble(components[i - 1]); !reason.empty()) text += "    " + reason + "\n";
  }
  return text;
}

std::string list_json(const std::vector<ComponentInfo>& components) {
  std::string text = "[";
  for (const ComponentInfo& info : components) {
    const Json row = {{"kind", info.kind},       {"name", info.name},
                      {"plugin", info.plugin},   {"version", info.version},
                      {"summary", info.summary}, {"path", info.path.string()},
                      {"why", info.why},         {"state", state_text(info.state)},
                      {"code", info.code},       {"reason", info.reason}};
    text += (text.size() > 1 ? ",\n " : "\n ") + json_text(row);
  }
  return text + "\n]\n";
}

std::string check_text(const std::vector<Component>& components) {
  const ttfm_plugin_v1& plugin = *components.front().plugin;
  std::vector<Row> rows = {{"plugin", std::string(plugin.name) + " " + plugin.version + or_none(plugin.license, ", ")},
                           {"built for", "ttfm plugin ABI " + abi_text(plugin) + ", LibTorch " + plugin.torch_tag +
                                             ", " + plugin.build_tag}};
  for (const Component& component : components) {
    const uint32_t count = component.table->param_count;
    rows.push_back({rows.size() == 2 ? "offers" : "",
                    kind_of(component) + "/" + component.table->name + " (" + std::to_string(count) +
                        (count == 1 ? " parameter): " : " parameters): ") + component.table->summary});
  }
  const fs::path& path = components.front().path;
  rows.push_back({"verdict", is_plugin_name(path)
                                 ? "this ttfm takes it"
                                 : "this ttfm takes it, but finds files named libttfm_*.so alone: rename it"});
  return path.string() + "\n" + text_table(rows, "  ");
}

std::string check_json(const std::vector<Component>& components) {
  const ttfm_plugin_v1& plugin = *components.front().plugin;
  Json offers = Json::array();
  for (const Component& component : components) {
    offers.push_back({{"kind", kind_of(component)},
                      {"name", component.table->name},
                      {"summary", component.table->summary},
                      {"parameters", component.table->param_count}});
  }
  const fs::path& path = components.front().path;
  return json_text({{"path", path.string()},
                    {"accepted", true},
                    {"found", is_plugin_name(path)},
                    {"plugin", plugin.name},
                    {"version", plugin.version},
                    {"license", or_none(plugin.license)},
                    {"abi", abi_text(plugin)},
                    {"torch", plugin.torch_tag},
                    {"build", plugin.build_tag},
                    {"offers", offers}},
                   2) +
         "\n";
}

std::string check_json(const ComponentInfo& refusal) {
  return json_text(
             {{"path", refusal.path.string()}, {"accepted", false}, {"code", refusal.code}, {"reason", refusal.reason}},
             2) +
         "\n";
}

std::vector<Component> find_components(const Registry& registry, std::string_view name) {
  if (const size_t slash = name.find('/'); slash != std::string_view::npos) {
    const std::string kind_given(name.substr(0, slash));
    if (const auto kind = kind_of_name(kind_given)) return {registry.open(*kind, name.substr(slash + 1))};
    std::vector<std::string> kinds;
    for (const ttfm_kind kind : kKinds) kinds.emplace_back(kind_name(kind));
    const std::string nearest = nearest_name(kind_given, kinds);
    throw Error(ErrorKind::config,
                "no kind '" + kind_given + "' in '" + std::string(name) + "'." +
                    (nearest.empty() ? "" : " Did you mean '" + nearest + "'?") + " Known: " + join(kinds) + ".",
                kUnknownComponent);
  }
  std::vector<Component> found;
  std::vector<std::string> names;
  for (const ttfm_kind kind : kKinds) {
    for (const std::string& each : registry.names(kind)) {
      if (each == name) found.push_back(registry.open(kind, name));
      names.push_back(each);
    }
  }
  if (!found.empty()) return found;
  // A refused file may offer it: opening says why it cannot be.
  for (const ComponentInfo& info : registry.components()) {
    if (!info.kind.empty() && info.name == name) registry.open(*kind_of_name(info.kind), name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const std::string nearest = nearest_name(name, names);
  throw Error(ErrorKind::config,
              "no component '" + std::string(name) + "'." +
                  (nearest.empty() ? "" : " Did you mean '" + nearest + "'?") + " Known: " + join(names) + "." +
                  (names.empty() ? " Looked in: " + describe(registry.search_path()) + "." : ""),
              kUnknownComponent);
}

std::string describe_text(const Component& component) {
  const ttfm_component_v1& about = *component.table;
  const ttfm_plugin_v1& plugin = *component.plugin;
  std::string text = kind_of(component) + "/" + about.name + ": " + about.summary + "\n";
  text += "  plugin   " + std::string(plugin.name) + " " + plugin.version;
  if (plugin.license && *plugin.license) text += ", " + std::string(plugin.license);
  if (plugin.vendor && *plugin.vendor) text += ", " + std::string(plugin.vendor);
  text += "\n  file     " + component.path.string() + "\n";
  if (about.doc_url && *about.doc_url) text += "  more     " + std::string(about.doc_url) + "\n";
  if (about.param_count == 0) return text + "\nNo parameters.\n";

  std::vector<Row> rows = {{"PARAMETER", "TYPE", "DEFAULT", "LIMITS", "WHAT IT IS"}};
  std::string advanced;
  for (const ttfm_param_v1* param : params_of(component)) {
    if (param->flags & TTFM_PARAM_ADVANCED) {
      advanced += (advanced.empty() ? "" : ", ") + std::string(param->name);
      continue;
    }
    rows.push_back({param->name, type_text(*param), default_text(*param), range_text(*param), doc_with_unit(*param)});
  }
  if (rows.size() > 1) text += "\n" + text_table(rows);
  return advanced.empty() ? text : text + "\nAdvanced, shown by --toml and --json: " + advanced + "\n";
}

std::string describe_toml(const Component& component) {
  std::string text = "# " + std::string(component.table->summary) + "\n";
  text += "[" + kind_of(component) + "]\ntype = \"" + component.table->name + "\"\n";
  std::vector<Row> rows;
  std::string nested;
  for (const ttfm_param_v1* param : params_of(component)) {
    const std::string name = param->name;
    if (param->type == TTFM_PARAM_STUDENT) {  // a table must follow the plain keys
      nested += "\n# " + doc_with_type(*param) + "\n[" + kind_of(component) + "." + name + "]\n";
      nested += "# type =  # required; the name of a student, followed by its parameters\n";
    } else if (param->default_toml) {
      rows.push_back({name + " = " + param->default_toml, "# " + doc_with_type(*param)});
    } else {
      const char* const required = param->flags & TTFM_PARAM_REQUIRED ? "required, " : "";
      rows.push_back({"# " + name + " =", "# " + doc_with_type(*param, required)});
    }
  }
  return text + text_table(rows) + nested;
}

std::string describe_json(const Component& component) {
  const auto text_or_null = [](const char* text) { return text ? Json(text) : Json(); };
  Json params = Json::array();
  for (const ttfm_param_v1* param : params_of(component)) {
    params.push_back({{"name", param->name},
                      {"type", type_text(*param)},
                      {"required", (param->flags & TTFM_PARAM_REQUIRED) != 0},
                      {"advanced", (param->flags & TTFM_PARAM_ADVANCED) != 0},
                      {"default", text_or_null(param->default_toml)},
                      {"limits", range_text(*param)},
                      {"unit", text_or_null(param->unit)},
                      {"doc", param->doc},
                      {"since", text_or_null(param->since)}});
  }
  const Json all = {{"kind", kind_of(component)},           {"name", component.table->name},
                    {"summary", component.table->summary},  {"plugin", component.plugin->name},
                    {"version", component.plugin->version}, {"license", text_or_null(component.plugin->license)},
                    {"path", component.path.string()},      {"params", params}};
  return json_text(all, 2) + "\n";
}

}  // namespace ttfm::host
