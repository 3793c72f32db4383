// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>

#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

#include "facade/impl.h"
#include "host/registry.h"

namespace ttfm::test {

/// A new folder for plugins, into which a test takes what it needs from the zoo (tests/bad_plugins/CMakeLists.txt).
class PluginFolder {
 public:
  std::filesystem::path path() const { return folder_.path(); }

  std::filesystem::path file(const std::string& name) const { return path() / ("libttfm_" + name + ".so"); }

  /// Copies libttfm_<name>.so, and returns its path here.
  std::filesystem::path add(const std::string& name) const {
    std::filesystem::copy_file(std::filesystem::path(TTFM_ZOO_DIR) / ("libttfm_" + name + ".so"), file(name));
    return file(name);
  }

  host::SearchPath search_path() const { return {{path(), "test", true}}; }

 private:
  conformance::TemporaryFolder folder_;
};

/// The values that the good plugin's loss reads.
struct GoodConfig final : Config::Impl {
  double step = 0.2;

  bool has(Name) const override { return false; }
  bool flag(Name) const override { return false; }
  int64_t integer(Name) const override { return 0; }
  double number(Name) const override { return step; }
  Name text(Name key) const override { return key == "way" ? "first" : "/data"; }
  at::ArrayRef<int64_t> integers(Name) const override { return {}; }
  at::ArrayRef<double> numbers(Name) const override { return {}; }
  int64_t rows(Name) const override { return 0; }
  const FlowMap& student(Name) const override { throw Error(ErrorKind::internal, "no nested student"); }
  at::IntArrayRef data_shape() const override { return {}; }
  int64_t data_classes() const override { return 0; }
};

}  // namespace ttfm::test
