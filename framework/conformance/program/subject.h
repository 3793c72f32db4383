// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/temporary_folder.h>

#include "config/config.h"
#include "config/key.h"
#include "host/registry.h"

namespace ttfm::conformance {

/// The data that a component is constructed for.
struct DataCase {
  std::vector<int64_t> shape;  ///< of one sample
  int64_t classes = 0;

  std::string text() const;  ///< "samples of shape [3, 8, 8] in 3 classes"
};

/// What the user wants tested.
struct Request {
  ttfm_kind kind = TTFM_LOSS;
  std::string name;
  std::filesystem::path plugin;        ///< the library
  std::filesystem::path config;        ///< a TOML file whose section of that kind has the parameters; may be empty
  std::vector<std::string> overrides;  ///< "--loss.step=0.1"
  std::string plugin_path;             ///< further folders with plugins, for [dataset] of the file
};

/// The keys of a Config that a component asked for.
struct KeysRead {
  std::set<std::string> described, unknown;
};

/// The component under test: its table, and instances of it as the host would make them.
class Subject {
 public:
  /// Opens the plugin by the host's loader. Throws ttfm::Error: what the host says to a plugin or a configuration.
  explicit Subject(Request request);

  ttfm_kind kind() const { return request_.kind; }
  const std::string& name() const { return request_.name; }
  const std::string& who() const { return who_; }  ///< "loss 'itvm'"
  const std::vector<config::Key>& keys() const { return keys_; }

  /// The component's parameters, validated by the host, with further overrides: {"step", "-1"}. Throws the host's error.
  config::Section section(const std::map<std::string, std::string>& changes = {}) const;

  /// What the component is tested on: the shape and classes of [conformance] or [dataset] in the configuration, or else
  /// points and small images, with and without labels, as far as the component accepts them.
  const std::vector<DataCase>& cases() const { return cases_; }
  const std::string& refusal() const { return refusal_; }  ///< of the last case that was not accepted

  /// A new instance. Throws what the host throws.
  template <class T>
  host::Owned<T> make(const DataCase& data, const config::Section* section = nullptr, KeysRead* read = nullptr) const {
    host::Owned<Interface> made = create(data, section ? *section : section_, read);
    T* const typed = dynamic_cast<T*>(made.get());
    if (!typed) fail_other_class();
    return host::Owned<T>(typed, (made.release(), made.get_deleter()));
  }

  host::Owned<Interface> create(const DataCase& data, const config::Section& section, KeysRead* read = nullptr) const;

 private:
  [[noreturn]] void fail_other_class() const;
  void choose_cases();
  const FlowMap& nested_student(const DataCase& data) const;

  Request request_;
  std::string who_;
  TemporaryFolder folder_;  // with the plugin alone
  std::unique_ptr<host::Registry> registry_;
  std::vector<config::Key> keys_;
  config::Section section_;
  std::vector<DataCase> cases_;
  std::string refusal_;
  mutable std::map<std::vector<int64_t>, std::unique_ptr<TestMap>> students_;  // of parameters that are students
};

}  // namespace ttfm::conformance
