// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/registry.h"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <optional>

#include <ttfm/error.h>
#include "base/edit_distance.h"
#include "base/error_codes.h"
#include "base/kinds.h"
#include "base/log.h"
#include "host/elf_note.h"
#include "host/handshake.h"
#include "host/host_api.h"
#include "host/runtime_check.h"
#include "host/shared_library.h"
#include "host/trial.h"

namespace ttfm::host {
namespace fs = std::filesystem;

struct Registry::File {
  fs::path path;  // without symbolic links
  std::string why;
  dev_t device = 0;
  ino_t inode = 0;
  PluginNote note;
  std::string distrust;                    // why it should not be loaded, where that is allowed all the same
  std::optional<Error> refusal;            // why it cannot be used
  const ttfm_plugin_v1* plugin = nullptr;  // once open and accepted

  bool offers(ttfm_kind kind, std::string_view name) const {
    return std::any_of(note.offers.begin(), note.offers.end(),
                       [&](const Offer& offer) { return offer.kind == kind && offer.name == name; });
  }
};

namespace {

std::string named(ttfm_kind kind, std::string_view name) {
  return std::string(kind_name(kind)) + " '" + std::string(name) + "'";
}

/// Whether code may be loaded from `file` and the two folders that lead to it; what is wrong first, or "".
std::string why_not_trusted_place(const fs::path& file, const fs::path& folder) {
  for (const fs::path& place : {folder, file.parent_path(), file}) {
    if (std::string reason = why_not_trusted(place); !reason.empty()) return reason;
  }
  return "";
}

}  // namespace

std::string Component::provider() const {
  return std::string(plugin->name) + " " + plugin->version + " (" + path.string() + ")";
}

Registry::Registry(SearchPath path) : path_(std::move(path)) {
  for (const SearchFolder& folder : path_) scan(folder);
}

Registry::Registry(const fs::path& file) {
  const fs::path path = fs::absolute(file).lexically_normal();
  add(path, path.parent_path(), "named");
}

Registry::~Registry() = default;

void Registry::scan(const SearchFolder& folder) {
  std::error_code error;
  const fs::path real_folder = fs::canonical(folder.path, error);
  if (error) {
    const std::string text = "plugins: no folder '" + folder.path.string() + "' (" + folder.why + ")";
    return folder.named ? log::warn_once(text) : log::debug(text);
  }
  for (const fs::path& found : plugin_files(real_folder)) add(found, real_folder, folder.why);
}

void Registry::add(const fs::path& found, const fs::path& folder, const std::string& why) {
  auto file = std::make_unique<File>();
  std::error_code error;
  const fs::path real = fs::canonical(found, error);
  file->path = error ? found : real;
  file->why = why;
  struct stat status = {};
  if (::stat(file->path.c_str(), &status) == 0) {
    file->device = status.st_dev;
    file->inode = status.st_ino;
  }
  const bool known = std::any_of(files_.begin(), files_.end(), [&](const auto& other) {
    return file->inode != 0 && other->device == file->device && other->inode == file->inode;
  });
  if (known) {  // a link to a file that is here already, or the same folder again
    log::debug("plugins: '" + found.string() + "' is '" + file->path.string() + "', which is known already");
    return;
  }
  const NoteResult note = read_plugin_note(file->path);
  file->note = note.note;
  try {
    file->distrust = why_not_trusted_place(file->path, folder);
    if (!file->distrust.empty() && !insecure_plugins_allowed()) {
      throw Error(ErrorKind::plugin,
                  quoted(file->path) + " is not loaded: " + file->distrust + ", or set TTFM_INSECURE_PLUGINS=1.",
                  kUntrusted);
    }
    check_note(file->path, note);
  } catch (const Error& refusal) {
    log::debug("plugins: " + std::string(refusal.what()) + " (E" + std::to_string(refusal.code()) + ")");
    file->refusal = refusal;
  }
  files_.push_back(std::move(file));
}

void Registry::try_all() {
  const std::lock_guard lock(mutex_);
  std::vector<File*> closed;
  for (const auto& file : files_) {
    if (!file->refusal && !file->plugin) closed.push_back(file.get());
  }
  for (size_t first = 0; first < closed.size();) {
    const Trial trial = try_in_child(closed.size() - first, [&](size_t i) {
      try {
        open_file(*closed[first + i]);
      } catch (const Error&) {  // it is refused again in this process
      }
    });
    first += trial.done;
    if (trial.ending.empty()) return;
    closed[first]->refusal = Error(ErrorKind::plugin,
                                   quoted(closed[first]->path) + " ended the process that opened it (" + trial.ending +
                                       ")" + (trial.said.empty() ? "" : ": " + trial.said) +
                                       ". This is a bug in the plugin: nothing in it may run, or throw, before the "
                                       "host calls it.",
                                   kEndedTheProcess);
    ++first;
  }
}

Registry::File* Registry::provider_of(ttfm_kind kind, std::string_view name) const {
  for (const auto& file : files_) {
    if (file->offers(kind, name)) return file.get();
  }
  return nullptr;
}

void Registry::open_file(File& file) const {
  if (file.refusal) throw *file.refusal;
  if (file.plugin) return;
  if (!file.distrust.empty()) {
    log::warn_once(quoted(file.path) + " is loaded because of TTFM_INSECURE_PLUGINS=1, although " + file.distrust);
  }
  try {
    const std::string before = duplicate_runtime(loaded_libraries());
    const PluginEntry entry = open_plugin(file.path);
    const std::string twice = duplicate_runtime(loaded_libraries());
    // what a refused plugin brought is not the fault of those that are opened after it
    if (!twice.empty() && twice != brought_) {
      if (before.empty()) brought_ = twice;
      throw Error(ErrorKind::plugin,
                  twice + (before.empty() ? "; the second came with '" + file.path.string() + "'" : "") +
                      ". A process must have one: link plugins with ttfm::sdk, and with nothing that brings its own.",
                  kSecondRuntime);
    }
    const ttfm_plugin_v1* plugin = nullptr;
    Failure failure;
    if (!call_plugin([&] { return plugin = entry(), TTFM_OK; }, failure)) plugin = nullptr;
    check_descriptor(file.path, plugin, file.note);
    if (plugin->on_load && !call_plugin([&] { return plugin->on_load(&host_functions()); }, failure)) {
      const Component component{nullptr, plugin, file.path};
      throw start_error("plugin '" + std::string(plugin->name) + "'", failure, component.provider());
    }
    file.plugin = plugin;
    log::debug("plugins: opened '" + file.path.string() + "'");
  } catch (const Error& refusal) {
    file.refusal = refusal;
    throw;
  }
}

Component Registry::open(ttfm_kind kind, std::string_view name) const {
  const std::lock_guard lock(mutex_);
  File* const file = provider_of(kind, name);
  if (!file) fail_unknown(kind, name);
  open_file(*file);
  for (const auto& other : files_) {
    if (other.get() == file || !other->offers(kind, name)) continue;
    log::warn_once("E" + std::to_string(kProvidedTwice) + ": " + named(kind, name) + " is provided by '" +
                   file->path.string() + "' (" + file->why + ") and by '" + other->path.string() + "' (" + other->why +
                   "); the first is used. Rename one of the two, or take its file away.");
  }
  Component component{nullptr, file->plugin, file->path};
  for (uint32_t i = 0; i < file->plugin->component_count; ++i) {
    const ttfm_component_v1& each = component_at(*file->plugin, i);
    if (each.kind == static_cast<uint32_t>(kind) && each.name == name) component.table = &each;
  }
  return component;  // the descriptor offers what its note promised, so the table is there
}

config::Components::Table Registry::find(ttfm_kind kind, std::string_view name) const {
  const Component component = open(kind, name);
  return {component.table->params, component.table->param_count, component.provider()};
}

std::vector<std::string> Registry::names(ttfm_kind kind) const {
  const std::lock_guard lock(mutex_);
  return known_names(kind);
}

std::vector<std::string> Registry::known_names(ttfm_kind kind) const {
  std::vector<std::string> names;
  for (const auto& file : files_) {
    if (file->refusal) continue;
    for (const Offer& offer : file->note.offers) {
      if (offer.kind == kind) names.push_back(offer.name);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void Registry::fail_unknown(ttfm_kind kind, std::string_view name) const {
  std::string text = "no " + named(kind, name) + ".";
  const std::vector<std::string> names = known_names(kind);
  const std::string nearest = nearest_name(name, names);
  if (!nearest.empty()) text += " Did you mean '" + nearest + "'?";
  for (const ttfm_kind other : kKinds) {
    if (other != kind && provider_of(other, name)) text += " There is a " + named(other, name) + ".";
  }
  for (const auto& file : files_) {  // refused before it could say what it offers
    if (!file->refusal || !file->note.offers.empty()) continue;
    if (file->path.filename().string().find(name) == std::string::npos) continue;
    text += " A file that may hold it was refused (E" + std::to_string(file->refusal->code()) +
            "): " + file->refusal->what();
  }
  if (!names.empty()) text += " Known: " + join(names) + ".";
  if (nearest.empty()) text += " Looked in: " + describe(path_) + ".";
  throw names.empty() ? Error(ErrorKind::plugin, text, kNoProvider) : Error(ErrorKind::config, text, kUnknownComponent);
}

Owned<Interface> Registry::create(ttfm_kind kind, std::string_view name, const Config::Impl& config) const {
  const Component component = open(kind, name);
  void* object = nullptr;
  Failure failure;
  const auto* const values = reinterpret_cast<const ttfm_config*>(&config);
  const auto call = [&] { return component.table->create(&host_functions(), values, &object); };
  // Outside of the lock: a component's constructor may have the host make further components.
  if (!call_plugin(call, failure)) throw start_error(named(kind, name), failure, component.provider());
  if (!object) {
    throw start_error(named(kind, name), {ErrorKind::internal, "it returned no object"}, component.provider());
  }
  return Owned<Interface>(static_cast<Interface*>(object), {component.table->destroy});
}

void Registry::fail_other_class(ttfm_kind kind, std::string_view name) const {
  const std::string what = "it is not an object of the class that stands for a " + std::string(kind_name(kind));
  throw start_error(named(kind, name), {ErrorKind::internal, what}, open(kind, name).provider());
}

std::vector<ComponentInfo> Registry::components(bool open_all) const {
  using State = ComponentInfo::State;
  const std::lock_guard lock(mutex_);
  std::vector<ComponentInfo> all, nameless;
  for (const auto& file : files_) {
    try {
      if (open_all) open_file(*file);
    } catch (const Error&) {  // kept in the file
    }
    ComponentInfo info{.plugin = file->note.plugin, .path = file->path, .why = file->why};
    if (file->refusal) {
      info.state = State::refused;
      info.code = file->refusal->code();
      info.reason = file->refusal->what();
    }
    if (file->plugin) {
      info.state = State::open;
      info.plugin = file->plugin->name;
      info.version = file->plugin->version;
    }
    if (file->note.offers.empty()) nameless.push_back(info);
    for (const Offer& offer : file->note.offers) {
      ComponentInfo row = info;
      row.kind = kind_name(offer.kind);
      row.name = offer.name;
      if (!file->refusal && provider_of(offer.kind, offer.name) != file.get()) row.state = State::shadowed;
      for (uint32_t i = 0; file->plugin && i < file->plugin->component_count; ++i) {
        const ttfm_component_v1& component = component_at(*file->plugin, i);
        if (component.kind == static_cast<uint32_t>(offer.kind) && component.name == offer.name) {
          row.summary = component.summary;
        }
      }
      all.push_back(std::move(row));
    }
  }
  const auto place = [](const ComponentInfo& info) {
    return std::find_if(kKinds.begin(), kKinds.end(), [&](ttfm_kind kind) { return kind_name(kind) == info.kind; });
  };
  std::stable_sort(all.begin(), all.end(), [&](const ComponentInfo& a, const ComponentInfo& b) {
    return std::pair(place(a), a.name) < std::pair(place(b), b.name);
  });
  all.insert(all.end(), nameless.begin(), nameless.end());
  return all;
}

}  // namespace ttfm::host
