// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <ttfm/dataset.h>
#include <ttfm/loss.h>
#include <ttfm/sampler.h>
#include <ttfm/student.h>
#include <ttfm/teacher.h>
#include "config/config.h"
#include "facade/impl.h"
#include "host/search_path.h"

namespace ttfm::host {

/// Ends the life of a component by the function of the plugin that made it.
struct Destroy {
  void (*destroy)(void*) = nullptr;
  void operator()(Interface* component) const { destroy(component); }
};

/// A component, or one of the five interfaces of it.
template <class T>
using Owned = std::unique_ptr<T, Destroy>;

/// A component of an open plugin. Plugins are never unloaded, so the pointers hold for the life of the process.
struct Component {
  const ttfm_component_v1* table = nullptr;
  const ttfm_plugin_v1* plugin = nullptr;
  std::filesystem::path path;

  std::string provider() const;  ///< "itvm 0.1.0 (/path/libttfm_loss_itvm.so)"
};

/// A row of `ttfm plugin list`.
struct ComponentInfo {
  enum class State {
    closed,    ///< known from its note; not opened so far
    open,      ///< accepted
    shadowed,  ///< a file earlier in the search order offers the same component
    refused,   ///< its file was refused; `reason` says why
  };
  std::string kind, name;                ///< "" both: a refused file that does not say what it offers
  std::string plugin, version, summary;  ///< "" until opened; the plugin's name is in its note
  std::filesystem::path path;
  std::string why;  ///< what put the file's folder into the search path
  State state = State::closed;
  int code = 0;  ///< of the refusal, in the error index
  std::string reason;
};

/// The plugins of a search path, by what they offer.
///
/// The constructor reads the ELF notes of the files, which says what they offer without running any of their code; a
/// library is opened when one of its components is first asked for. A file that cannot be used is remembered with the
/// reason, and is an error only when a component that it offers is asked for. Safe to use from several threads.
class Registry final : public config::Components {
 public:
  explicit Registry(SearchPath path);

  /// Of one file alone, whatever its name.
  explicit Registry(const std::filesystem::path& file);

  ~Registry() override;

  /// Opens every plugin in a child process first, and refuses those that end it (E130): a library runs code of its own
  /// while it is opened, which no error handling reaches. For commands that open what nobody asked for. To be called
  /// while the process has one thread.
  void try_all();

  /// Opens the plugin. Throws ttfm::Error: E115 (config) with the nearest name if nothing offers the component (E101,
  /// plugin, if nothing offers any of its kind), the refusal (plugin) if its file cannot be used. Warns (E114) where a
  /// later file offers the same component.
  Component open(ttfm_kind kind, std::string_view name) const;

  /// As open(), for the validation of a configuration.
  Table find(ttfm_kind kind, std::string_view name) const override;

  std::vector<std::string> names(ttfm_kind kind) const override;

  /// Makes a component from validated values. Throws ttfm::Error with the plugin's reason, and of the kind and number
  /// that the plugin gave it (a bug in the plugin: ErrorKind::plugin; no number: E118).
  Owned<Interface> create(ttfm_kind kind, std::string_view name, const Config::Impl& config) const;

  /// The same as one of Student, Teacher, Loss, Sampler, Dataset: `registry.create<Student>("mlp", config)`.
  template <class T>
  Owned<T> create(std::string_view name, const Config::Impl& config) const {
    Owned<Interface> component = create(kind_of<T>(), name, config);
    T* const typed = dynamic_cast<T*>(component.get());
    if (!typed) fail_other_class(kind_of<T>(), name);
    return Owned<T>(typed, (component.release(), component.get_deleter()));
  }

  /// Every component, by kind and name, then the refused files that do not say what they offer. `open_all` opens every
  /// plugin first, for versions and summaries; those that fail are listed as refused.
  std::vector<ComponentInfo> components(bool open_all = false) const;

  const SearchPath& search_path() const { return path_; }

 private:
  struct File;

  template <class T>
  static constexpr ttfm_kind kind_of() {
    if constexpr (std::is_same_v<T, Loss>) return TTFM_LOSS;
    if constexpr (std::is_same_v<T, Teacher>) return TTFM_TEACHER;
    if constexpr (std::is_same_v<T, Student>) return TTFM_STUDENT;
    if constexpr (std::is_same_v<T, Sampler>) return TTFM_SAMPLER;
    if constexpr (std::is_same_v<T, Dataset>) return TTFM_DATASET;
  }

  [[noreturn]] void fail_other_class(ttfm_kind kind, std::string_view name) const;
  [[noreturn]] void fail_unknown(ttfm_kind kind, std::string_view name) const;
  File* provider_of(ttfm_kind kind, std::string_view name) const;
  std::vector<std::string> known_names(ttfm_kind kind) const;
  void scan(const SearchFolder& folder);
  void add(const std::filesystem::path& found, const std::filesystem::path& folder, const std::string& why);
  void open_file(File& file) const;

  SearchPath path_;
  std::vector<std::unique_ptr<File>> files_;  // in search order
  mutable std::string brought_;               // the second runtime that a refused plugin left in the process
  mutable std::mutex mutex_;                  // guards the opening of files
};

}  // namespace ttfm::host
