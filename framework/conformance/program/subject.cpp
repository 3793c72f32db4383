// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "conformance/program/subject.h"

#include <ATen/ops/ones.h>

#include <algorithm>
#include <fstream>
#include <optional>

#include <ttfm/error.h>
#include <ttfm/flow/gaussian.h>

#include "base/kinds.h"
#include "config/merge.h"
#include "config/schema.h"
#include "config/suggest.h"
#include "config/text.h"
#include "config/view.h"

namespace ttfm::conformance {
namespace fs = std::filesystem;
namespace {

/// A Config that notes what it is asked. A key that the table does not have is noted and answered with nothing, so that
/// this defect is one test's and not every test's.
class Recorder final : public Config::Impl {
 public:
  Recorder(const Config::Impl& config, const config::Section& section, KeysRead& read)
      : config_(config), keys_(section.component_keys), read_(read) {}

  bool has(Name key) const override { return known(key) && config_.has(key); }
  bool flag(Name key) const override { return known(key) && config_.flag(key); }
  int64_t integer(Name key) const override { return known(key) ? config_.integer(key) : 0; }
  double number(Name key) const override { return known(key) ? config_.number(key) : 0; }
  Name text(Name key) const override { return known(key) ? config_.text(key) : ""; }
  at::ArrayRef<int64_t> integers(Name key) const override {
    return known(key) ? config_.integers(key) : at::ArrayRef<int64_t>();
  }
  at::ArrayRef<double> numbers(Name key) const override {
    return known(key) ? config_.numbers(key) : at::ArrayRef<double>();
  }
  int64_t rows(Name key) const override { return known(key) ? config_.rows(key) : 0; }
  const FlowMap& student(Name key) const override {
    known(key);
    return config_.student(key);
  }
  at::IntArrayRef data_shape() const override { return config_.data_shape(); }
  int64_t data_classes() const override { return config_.data_classes(); }

 private:
  bool known(Name key) const {
    const bool described = std::find(keys_.begin(), keys_.end(), key) != keys_.end();
    (described ? read_.described : read_.unknown).emplace(key);
    return described;
  }

  const Config::Impl& config_;
  const std::vector<std::string>& keys_;
  KeysRead& read_;
};

/// A registry's folder with one plugin in it, whatever its name is.
host::SearchPath folder_with(const fs::path& plugin, const fs::path& folder) {
  std::error_code error;
  const fs::path file = fs::canonical(plugin, error);
  if (error || !fs::is_regular_file(file)) {
    throw Error(ErrorKind::plugin,
                "there is no file '" + plugin.string() + "': --plugin wants the library of a plugin.", kNoProvider);
  }
  fs::create_symlink(file, folder / "libttfm_subject.so");
  return {{folder, "--plugin", true}};
}

/// Why a file cannot be used at all, as the registry says it.
void raise_refusal(const host::Registry& registry) {
  for (const host::ComponentInfo& info : registry.components()) {
    if (info.state == host::ComponentInfo::State::refused) throw Error(ErrorKind::plugin, info.reason, info.code);
  }
}

/// Every section by its path, for what the host says about keys that are not known.
config::Resolved empty_configuration() {
  config::Resolved resolved;
  for (const config::SectionSpec& spec : config::schema()) resolved.sections[spec.path].path = spec.path;
  return resolved;
}

/// A table without the host's own keys and sections of a section.
class SectionReader {
 public:
  SectionReader(const config::Node& root, std::string path, std::string name, const std::vector<config::Key>& keys)
      : path_(std::move(path)), name_(std::move(name)), keys_(keys) {
    const config::Node* const found = root.find(path_);
    if (found && found->kind == config::Node::Kind::table) node_ = found;
  }

  config::Section read(config::Diagnostics& problems) const {
    config::Section section;
    section.path = path_;
    section.type = name_;
    section.given = section.in_use = true;
    for (const config::Key& key : keys_) {
      section.component_keys.push_back(key.name);
      const config::Node* const entry = node_ ? node_->find(key.name) : nullptr;
      std::optional<config::Value> value;
      if (key.type == TTFM_PARAM_STUDENT) {
        value.emplace();
        value->type = key.type;
      } else if (entry) {
        value = config::read_value(*entry, key, "[" + path_ + "]", problems);
      } else if (key.default_value) {
        value = key.default_value;
        if (key.type == TTFM_PARAM_PATH && !value->text.empty()) value->text = fs::absolute(value->text).string();
      } else if (key.required) {
        problems.add({kMissing,
                      {},
                      "[" + path_ + "] has no `" + key.name + "`, which it needs",
                      "give it in a file for --config, or as --" + path_ + "." + key.name + "=VALUE (" +
                          config::type_text(key) + "): " + key.doc});
      }
      if (value) section.component[key.name] = std::move(*value);
    }
    add_unknown(problems);
    return section;
  }

 private:
  void add_unknown(config::Diagnostics& problems) const {
    if (!node_) return;
    config::Unknown unknown{nullptr, path_, path_ + " '" + name_ + "'", {"type"}, {}};
    std::set<std::string> hosts;
    for (const config::Key& key : config::find_section(path_)->keys) hosts.insert(key.name);
    for (const config::Key& key : keys_) unknown.keys.push_back(key.name);
    for (const config::Node& entry : node_->items) {
      const bool host = hosts.contains(entry.key) || config::find_section(config::child_path(path_, entry.key));
      if (host || std::count(unknown.keys.begin(), unknown.keys.end(), entry.key) > 0) continue;
      unknown.entry = &entry;
      problems.add(config::unknown_problem(unknown, empty_configuration()));
    }
  }

  std::string path_, name_;
  const std::vector<config::Key>& keys_;
  const config::Node* node_ = nullptr;
};

config::Layers layers_of(const fs::path& file, const std::vector<std::string>& overrides) {
  config::Diagnostics problems;
  config::Layers layers = config::read_layers(file, overrides, problems);
  problems.raise();
  return layers;
}

std::string type_in(const config::Node& root, const std::string& section) {
  const config::Node* const table = root.find(section);
  const config::Node* const type = table ? table->find("type") : nullptr;
  return type ? type->text : "";
}

/// The case that [conformance] of a file states: `shape` and `classes`.
std::optional<DataCase> stated_case(const config::Node& root) {
  const config::Node* const table = root.find("conformance");
  if (!table) return std::nullopt;
  config::Diagnostics problems;
  DataCase data{{2}, 0};
  config::Key shape, classes;
  shape.name = "shape", shape.type = TTFM_PARAM_INT_LIST, shape.min = 1;
  classes.name = "classes", classes.type = TTFM_PARAM_INT, classes.min = 0;
  for (const config::Node& entry : table->items) {
    const config::Key* const key = entry.key == "shape" ? &shape : entry.key == "classes" ? &classes : nullptr;
    if (!key) {
      problems.add({kUnknownKey, entry.key_place, "unknown key `" + entry.key + "` in [conformance]",
                    "(valid: shape, classes)"});
      continue;
    }
    const auto value = config::read_value(entry, *key, "[conformance]", problems);
    if (!value) continue;
    if (key == &shape) data.shape = value->integers;
    if (key == &classes) data.classes = value->integer;
  }
  problems.raise();
  return data;
}

/// The case of the file's data set, which is opened like a run's.
DataCase case_of_dataset(const config::Node& root, const std::string& type, const host::Registry& registry) {
  const host::Component component = registry.open(TTFM_DATASET, type);
  const std::vector<config::Key> keys = config::keys_of(component.table->params, component.table->param_count);
  config::Diagnostics problems;
  const config::Section section = SectionReader(root, "dataset", type, keys).read(problems);
  problems.raise();
  const auto dataset = registry.create<Dataset>(type, config::ConfigView(section, {}, 0));
  DatasetTraits traits;
  dataset->traits(traits);
  return {{traits.shape, traits.shape + std::min<uint32_t>(traits.rank, 8)}, traits.classes};
}

}  // namespace

std::string DataCase::text() const {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "samples of shape [" + text + "] " +
         (classes ? "in " + std::to_string(classes) + " classes" : "without labels");
}

Subject::Subject(Request request)
    : request_(std::move(request)),
      who_(std::string(kind_name(request_.kind)) + " '" + request_.name + "'"),
      registry_(std::make_unique<host::Registry>(folder_with(request_.plugin, folder_.path()))) {
  raise_refusal(*registry_);
  const host::Component component = registry_->open(request_.kind, request_.name);
  try {
    keys_ = config::keys_of(component.table->params, component.table->param_count);
  } catch (const Error& error) {
    throw Error(error.kind(), who_ + ": " + error.what(), error.code());
  }
  section_ = section();
  choose_cases();
}

config::Section Subject::section(const std::map<std::string, std::string>& changes) const {
  const std::string path(kind_name(request_.kind));
  const fs::path nothing = folder_.path() / "defaults.toml";
  if (request_.config.empty()) fs::exists(nothing) || (std::ofstream(nothing), true);
  // a file may select another component of this kind: then its parameters are dropped, like a base's
  std::vector<std::string> overrides{"--" + path + ".type=" + config::toml_string(request_.name)};
  overrides.insert(overrides.end(), request_.overrides.begin(), request_.overrides.end());
  for (const auto& [key, value] : changes) overrides.push_back("--" + path + "." + key + "=" + value);

  config::Diagnostics problems;
  const config::Layers layers =
      config::read_layers(request_.config.empty() ? nothing : request_.config, overrides, problems);
  if (!layers.complete) problems.raise();
  config::Section section = SectionReader(layers.root, path, request_.name, keys_).read(problems);
  problems.raise();
  return section;
}

void Subject::choose_cases() {
  std::vector<DataCase> candidates = {{{2}, 0}, {{2}, 3}, {{3, 8, 8}, 0}, {{3, 8, 8}, 3}};
  if (!request_.config.empty()) {
    const config::Node root = layers_of(request_.config, request_.overrides).root;
    const std::string dataset = request_.kind == TTFM_DATASET ? "" : type_in(root, "dataset");
    if (const auto stated = stated_case(root)) {
      candidates = {*stated};
    } else if (!dataset.empty()) {
      const host::Registry registry(host::search_path(request_.plugin_path));
      candidates = {case_of_dataset(root, dataset, registry)};
    }
  }
  if (request_.kind == TTFM_DATASET) candidates = {{{}, 0}};
  for (const DataCase& data : candidates) {
    try {
      create(data, section_);
      cases_.push_back(data);
    } catch (const Error& error) {
      refusal_ = "for " + data.text() + ": " + error.what();
      // refusing a shape is a component's right; whatever else it fails with is for the tests
      if (error.kind() != ErrorKind::config) cases_.push_back(data);
    }
  }
}

host::Owned<Interface> Subject::create(const DataCase& data, const config::Section& section, KeysRead* read) const {
  config::ConfigView view(section, data.shape, data.classes);
  for (const config::Key& key : keys_) {
    if (key.type == TTFM_PARAM_STUDENT) view.set_student(key.name, nested_student(data));
  }
  KeysRead ignored;
  const Recorder recorder(view, section, read ? *read : ignored);
  return registry_->create(request_.kind, request_.name, recorder);
}

void Subject::fail_other_class() const {
  throw Error(ErrorKind::plugin,
              who_ +
                  " is not an object of the class that stands for its kind: derive it from the "
                  "interface in <ttfm/" +
                  std::string(kind_name(request_.kind)) + ".h>.",
              kDidNotStart);
}

/// The exact flow map of a Gaussian stands for whatever student a parameter holds.
const FlowMap& Subject::nested_student(const DataCase& data) const {
  std::vector<int64_t> id = data.shape;
  id.push_back(data.classes);
  std::unique_ptr<TestMap>& student = students_[id];
  if (!student) {
    NetworkTraits traits;
    traits.classes = data.classes;
    student = std::make_unique<TestMap>(
        [](const Tensor& x, const Tensor& s, const Tensor& t, const Call&) {
          return flow::Gaussian{at::ones({1}, x.options()), 0.5}.average_velocity(x, s, t);
        },
        false, traits);
  }
  return student->facade();
}

}  // namespace ttfm::conformance
