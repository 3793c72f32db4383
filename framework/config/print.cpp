// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <cmath>
#include <nlohmann/json.hpp>

#include "config/config.h"
#include "config/key.h"
#include "config/schema.h"
#include "config/text.h"

namespace ttfm::config {
namespace {

using Json = nlohmann::ordered_json;

/// Paths of the sections that are printed: those in use, in the schema's order; nested students come behind the section
/// they are in.
std::vector<std::string> printed_sections(const Resolved& resolved, bool only_given) {
  std::vector<std::string> paths;
  const auto add = [&](const Section& section) {
    if (section.in_use && (section.given || !only_given)) paths.push_back(section.path);
  };
  for (const SectionSpec& spec : schema()) {
    add(resolved.at(spec.path));
    for (const auto& [path, section] : resolved.sections) {
      if (!path.starts_with(spec.path + ".") || find_section(path)) continue;
      const bool of_network = path.starts_with("teacher.network.");
      if (!of_network || spec.path == "teacher.network") add(section);
    }
  }
  return paths;
}

bool same(const Origin& a, const Origin& b) {
  return a.kind == b.kind && a.file == b.file && a.line == b.line && a.column == b.column;
}

/// Calls visit(key, value) for each value of a section in order, the host's first; nested students are sections.
template <class Visit>
void each_value(const Section& section, Visit visit) {
  const auto walk = [&](const std::vector<std::string>& keys, const Values& values) {
    for (const std::string& key : keys) {
      const auto found = values.find(key);
      if (found != values.end() && found->second.type != TTFM_PARAM_STUDENT) visit(key, found->second);
    }
  };
  walk(section.host_keys, section.host);
  walk(section.component_keys, section.component);
}

/// JSON has no infinity: a string stands for it.
Json number_json(double value) { return std::isfinite(value) ? Json(value) : Json(number_text(value)); }

Json value_json(const Value& value) {
  switch (value.type) {
    case TTFM_PARAM_BOOL:
      return value.flag;
    case TTFM_PARAM_INT:
      return value.integer;
    case TTFM_PARAM_FLOAT:
      return number_json(value.number);
    case TTFM_PARAM_INT_LIST:
      return value.integers;
    case TTFM_PARAM_FLOAT_LIST: {
      Json list = Json::array();
      for (const double number : value.numbers) list.push_back(number_json(number));
      return list;
    }
    case TTFM_PARAM_FLOAT_ROWS: {
      Json rows = Json::array();
      const size_t width = value.rows ? value.numbers.size() / static_cast<size_t>(value.rows) : 0;
      for (size_t i = 0; i < static_cast<size_t>(value.rows); ++i) {
        rows.push_back(Json::array());
        for (size_t j = 0; j < width; ++j) rows.back().push_back(number_json(value.numbers[i * width + j]));
      }
      return rows;
    }
    default:
      return value.text;
  }
}

}  // namespace

std::string print(const Resolved& resolved, bool only_given) {
  std::string text = "# The configuration of " + printable(resolved.file.string()) +
                     " as it was resolved: each value, and where it comes from.\n";
  const auto line = [&](const std::string& key, const std::string& value, const Origin& origin) {
    if (only_given && origin.kind == Origin::Kind::default_value) return;
    text += key + " = " + value + "  # " + origin.text() + "\n";
  };
  for (const std::string& path : printed_sections(resolved, only_given)) {
    const Section& section = resolved.at(path);
    text += "\n[" + path + "]\n";
    if (!section.type.empty()) line("type", toml_string(section.type), section.type_origin);
    each_value(section, [&](const std::string& key, const Value& value) {
      const bool inherited = path == "teacher.train" && same(value.origin, resolved.at("train").host.at(key).origin);
      if (!only_given || !inherited) line(key, toml_text(value), value.origin);
    });
  }
  return text;
}

std::string print_json(const Resolved& resolved) {
  Json json = Json::object();
  for (const std::string& path : printed_sections(resolved, false)) {
    const Section& section = resolved.at(path);
    Json& table = json[path] = Json::object();
    if (!section.type.empty()) table["type"] = {{"value", section.type}, {"origin", section.type_origin.text()}};
    each_value(section, [&](const std::string& key, const Value& value) {
      table[key] = {{"value", value_json(value)}, {"origin", value.origin.text()}};
    });
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ttfm::config
