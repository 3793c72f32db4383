// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/validate.h"

#include <algorithm>
#include <set>
#include <system_error>

#include "base/edit_distance.h"
#include "config/rules.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/text.h"

namespace ttfm::config {
namespace {

constexpr const char* kNetwork = "teacher.network";

class Validator {
 public:
  Validator(const Layers& layers, const Components& components, Diagnostics& problems)
      : layers_(layers), components_(components), problems_(problems) {}

  Resolved run() {
    resolved_.file = layers_.user->name;
    resolved_.source = layers_.user->text;
    for (const SectionSpec& spec : schema()) prepare(spec);
    for (const SectionSpec& spec : schema()) section(spec);
    copy_student_to_teacher();
    outside_of_sections();
    for (const Unknown& unknown : unknown_) problems_.add(unknown_problem(unknown, resolved_));
    check_rules(resolved_, places_, problems_);
    return std::move(resolved_);
  }

 private:
  /// The table of a section, or null. A value in its place is an error.
  const Node* table(const std::string& path) {
    const Node* node = &layers_.root;
    for (size_t at = 0; node && at <= path.size();) {
      const size_t end = std::min(path.find('.', at), path.size());
      node = node->find(path.substr(at, end - at));
      if (node && node->kind != Node::Kind::table) {
        if (end == path.size()) {
          problems_.add({node->kind == Node::Kind::unparsed ? kBadOverride : kWrongType, node->place,
                         "[" + path + "] is " + node->kind_text() + "; it must be a table", advice(path, *node)});
          displaced_.insert(path);
        }
        return nullptr;
      }
      at = end + 1;
    }
    return node;
  }

  /// How to write what stands in the place of a section's table.
  static std::string advice(const std::string& path, const Node& node) {
    if (node.place.source->command_line) return "";
    const bool tables = node.kind == Node::Kind::list && !node.items.empty() && node.items[0].kind == Node::Kind::table;
    if (tables) return "a section stands once, in single brackets: [" + path + "]";
    const SectionSpec* const spec = find_section(path);
    const bool component = !spec || spec->kind;
    if (!component || node.kind != Node::Kind::text) return "a section is a line [" + path + "] with its keys below";
    return "write a line [" + path + "] and below it type = " + toml_string(node.text);
  }

  Section& prepare(const SectionSpec& spec) {
    Section& section = resolved_.sections[spec.path];
    section.path = spec.path;
    const Node* const node = table(spec.path);
    section.given = node != nullptr;
    if (node) places_[spec.path] = section.places[""] = node->place;
    for (const Key& key : spec.keys) section.host_keys.push_back(key.name);
    return section;
  }

  /// Decided in the schema's order: what comes before `path` is known.
  bool in_use(const std::string& path) const {
    const auto given = [&](std::string_view other) { return resolved_.at(other).given; };
    if (path == "teacher") return given(path);
    if (path == kNetwork) return resolved_.has(kNetwork);  // the teacher's table asked for it
    if (path == "teacher.train") {
      return given(path) && teacher_has_network_ && !resolved_.at("teacher").host.contains("checkpoint");
    }
    if (path == "teacher.loss") return resolved_.has("teacher.train");
    if (path.starts_with("teacher.")) return resolved_.has("teacher");
    if (path == "student") return given(path) || given("loss") || !resolved_.has("teacher.train");
    if (path == "loss" || path == "sampler") return resolved_.has("student");
    return true;
  }

  void section(const SectionSpec& spec) {
    Section& section = resolved_.sections[spec.path];
    section.in_use = in_use(spec.path);
    const Node* const node = section.given ? table(spec.path) : nullptr;
    host_values(section, spec, node);
    if (!spec.kind) {
      if (node) collect_unknown(section, *node, "");
    } else if (displaced_.contains(spec.path)) {
      return;  // table() has said what stands in its place
    } else if (!section.given && section.in_use && spec.default_type.empty() && spec.path != kNetwork) {
      problems_.add({kMissing,
                     {layers_.user},
                     "there is no section [" + spec.path + "]",
                     "add [" + spec.path + "] with a `type`   (known: " + join(components_.names(*spec.kind)) + ")"});
    } else if (section.given || (section.in_use && spec.path != kNetwork)) {
      if (visited_.insert(spec.path).second) component(section, node, *spec.kind, spec.default_type);
    }
  }

  void host_values(Section& section, const SectionSpec& spec, const Node* node) {
    for (const Key& key : spec.keys) {
      const Node* const entry = node ? node->find(key.name) : nullptr;
      if (!entry && spec.path == "teacher.train") continue;  // inherit_train()
      std::optional<Value> value = entry ? read(*entry, key, section.path) : default_of(key);
      if (value) section.host[key.name] = std::move(*value);
    }
    if (spec.path == "train") inherit_train();
  }

  /// [teacher.train] has the values of [train], which comes later, where it has none of its own.
  void inherit_train() {
    Section& teacher = resolved_.sections["teacher.train"];
    const Node* const own = teacher.given ? table("teacher.train") : nullptr;
    for (const auto& [name, value] : resolved_.at("train").host) {
      if (!own || !own->find(name)) teacher.host.emplace(name, value);
    }
  }

  std::optional<Value> read(const Node& entry, const Key& key, const std::string& path) {
    places_[child_path(path, key.name)] = resolved_.sections[path].places[key.name] = entry.place;
    return read_value(entry, key, "[" + path + "]", problems_);
  }

  static std::optional<Value> default_of(const Key& key) {
    std::optional<Value> value = key.default_value;
    if (value && key.type == TTFM_PARAM_PATH && !value->text.empty()) {
      std::error_code ignored;
      value->text = (std::filesystem::current_path(ignored) / value->text).lexically_normal().string();
    }
    return value;
  }

  /// Reads `type`, asks for its parameters and reads them.
  void component(Section& section, const Node* node, ttfm_kind kind, const std::string& default_type) {
    const Node* const type = node ? node->find("type") : nullptr;
    Place place = type ? type->place : node ? node->place : Place{layers_.user};
    const std::string header = "[" + section.path + "]";
    section.type = default_type;
    if (type) {
      Key key;
      key.name = "type";
      key.doc = "the name of a " + kind_text(kind);
      const std::optional<Value> value = read(*type, key, section.path);
      section.type = value ? value->text : "";
      section.type_origin = origin_of(type->place);
      if (!value) return;
    } else if (default_type.empty()) {
      const std::string remark = section.path == kNetwork ? "; without the table it is a copy of [student]" : "";
      problems_.add({kMissing, place, header + " has no `type`",
                     "add `type`, the name of a " + kind_text(kind) + remark +
                         "   (known: " + join(components_.names(kind)) + ")"});
      return;
    }

    std::vector<Key> keys;
    try {
      const Components::Table found = components_.find(kind, section.type);
      keys = keys_of(found.params, found.count);
      check_names(section, keys, found.provider);
    } catch (const Error& error) {
      const bool by_name = error.code() == kUnknownComponent;
      std::string message = error.what();
      if (error.code() == kBadTable) message = kind_text(kind) + " '" + section.type + "': " + message;
      std::string note = type ? "" : "the default of " + header;
      problems_.add({error.code(), place, message, note, by_name ? ErrorKind::config : error.kind()});
      if (section.path == "teacher") teacher_has_network_ = true;  // as far as anybody knows
      section.type.clear();
      return;
    }
    parameters(section, node, kind, keys, place);
  }

  void parameters(Section& section, const Node* node, ttfm_kind kind, const std::vector<Key>& keys,
                  const Place& place) {
    const std::string owner = kind_text(kind) + " '" + section.type + "'";
    std::vector<std::string> tables;
    for (const Key& key : keys) {
      section.component_keys.push_back(key.name);
      const Node* const entry = node ? node->find(key.name) : nullptr;
      if (key.type == TTFM_PARAM_STUDENT) {
        tables.push_back(child_path(section.path, key.name));
        nested_student(section, key, entry, owner, place);
        continue;
      }
      std::optional<Value> value = entry ? read(*entry, key, section.path) : default_of(key);
      if (value) section.component[key.name] = std::move(*value);
      if (!entry && key.required) {
        problems_.add({kMissing, node ? node->place : place,
                       "[" + section.path + "] has no `" + key.name + "`, which " + owner + " needs",
                       "add `" + key.name + "` (" + type_text(key) + "): " + key.doc});
      }
    }
    if (node) collect_unknown(section, *node, owner, tables);
  }

  /// The student in the table [section.key].
  void nested_student(Section& owner_section, const Key& key, const Node* entry, const std::string& owner,
                      const Place& place) {
    const std::string path = child_path(owner_section.path, key.name);
    Section& section = resolved_.sections[path];
    section.path = path;
    section.in_use = owner_section.in_use;
    Value value;
    value.type = TTFM_PARAM_STUDENT;
    value.text = path;
    if (path == kNetwork) teacher_has_network_ = true;
    if (entry && entry->kind == Node::Kind::table) {
      section.given = true;
      places_[path] = section.places[""] = entry->place;
      value.origin = origin_of(entry->place);
      visited_.insert(path);
      component(section, entry, TTFM_STUDENT, "");
    } else if (entry) {
      if (path != kNetwork) table(path);  // says what stands in its place; prepare() has said it of the schema's
    } else if (path == kNetwork) {
      copied_network_ = true;
    } else {
      problems_.add({kMissing, place, "there is no section [" + path + "], which " + owner + " needs",
                     "add [" + path + "] with the `type` of a student: " + key.doc});
    }
    owner_section.component[key.name] = std::move(value);
  }

  /// The teacher's network without a table of its own is [student] again, origins included.
  void copy_student_to_teacher() {
    if (!copied_network_ || !resolved_.has("teacher")) return;
    if (!resolved_.at("student").given) {
      problems_.add({kMissing, place_of("teacher"), "there is neither [teacher.network] nor a [student] to copy",
                     "add [teacher.network] with the `type` of a student"});
      return;
    }
    std::vector<Section> copies;
    for (const auto& [path, section] : resolved_.sections) {
      if (path == "student" || path.starts_with("student.")) copies.push_back(section);
    }
    for (Section& copy : copies) {
      const auto renamed = [](const std::string& path) {
        return kNetwork + path.substr(std::string("student").size());
      };
      copy.path = renamed(copy.path);
      copy.given = false;
      copy.in_use = true;
      copy.host.clear();
      copy.host_keys.clear();
      for (auto& [key, value] : copy.component) {
        if (value.type == TTFM_PARAM_STUDENT) value.text = renamed(value.text);
      }
      resolved_.sections[copy.path] = std::move(copy);
    }
    resolved_.sections["teacher"].component["network"].origin = resolved_.at("student").type_origin;
  }

  /// A component's parameter must not hide a key or a table of the host.
  void check_names(const Section& section, const std::vector<Key>& keys, const std::string& provider) const {
    for (const Key& key : keys) {
      const std::string path = child_path(section.path, key.name);
      const bool host_key = std::count(section.host_keys.begin(), section.host_keys.end(), key.name) > 0;
      const bool host_table = find_section(path) && !(path == kNetwork && key.type == TTFM_PARAM_STUDENT);
      if (key.name != "type" && !host_key && !host_table) continue;
      throw Error(ErrorKind::plugin,
                  "its parameter `" + key.name + "` has the name of a key of the host" +
                      (provider.empty() ? "" : "; it comes from " + provider),
                  kBadTable);
    }
  }

  void collect_unknown(const Section& section, const Node& node, const std::string& owner,
                       std::vector<std::string> tables = {}) {
    Unknown unknown{nullptr, section.path, owner, {}, std::move(tables)};
    if (!owner.empty()) unknown.keys.push_back("type");
    const auto add = [&](const std::vector<std::string>& keys) {
      for (const std::string& key : keys) {
        const std::string path = child_path(section.path, key);
        if (std::count(unknown.sections.begin(), unknown.sections.end(), path) == 0) unknown.keys.push_back(key);
      }
    };
    add(section.host_keys);
    add(section.component_keys);
    for (const SectionSpec& spec : schema()) {
      const bool child = spec.path.starts_with(section.path + ".");
      if (child && std::count(unknown.sections.begin(), unknown.sections.end(), spec.path) == 0) {
        unknown.sections.push_back(spec.path);
      }
    }
    for (const Node& entry : node.items) {
      const std::string path = child_path(section.path, entry.key);
      const bool key = std::count(unknown.keys.begin(), unknown.keys.end(), entry.key) > 0;
      if (key || std::count(unknown.sections.begin(), unknown.sections.end(), path) > 0) continue;
      unknown.entry = &entry;
      unknown_.push_back(unknown);
    }
  }

  void outside_of_sections() {
    Unknown unknown;
    for (const SectionSpec& spec : schema()) unknown.sections.push_back(spec.path);
    for (const Node& entry : layers_.root.items) {
      if (find_section(entry.key)) continue;
      unknown.entry = &entry;
      unknown_.push_back(unknown);
    }
  }

  Place place_of(std::string_view path) const {
    const auto found = places_.find(path);
    return found == places_.end() ? Place{layers_.user} : found->second;
  }

  const Layers& layers_;
  const Components& components_;
  Diagnostics& problems_;
  Resolved resolved_;
  Places places_;
  std::vector<Unknown> unknown_;
  std::set<std::string> visited_;
  std::set<std::string> displaced_;  // sections with a value in their place
  bool teacher_has_network_ = false;
  bool copied_network_ = false;
};

}  // namespace

Resolved validate(const Layers& layers, const Components& components, Diagnostics& problems) {
  return Validator(layers, components, problems).run();
}

}  // namespace ttfm::config
