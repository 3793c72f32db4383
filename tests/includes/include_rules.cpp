// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "include_rules.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <vector>

namespace ttfm::includes {
namespace {

using Names = std::set<std::string>;

/// The host's folders, lowest first; each sees itself and what stands here, and all see <ttfm/...>.
const std::map<std::string, Names>& layers() {
  static const std::map<std::string, Names> table = {
      {"base", {}},
      {"facade", {"base"}},
      {"flow", {"base"}},
      {"kernels", {}},
      {"nn", {"kernels", "base"}},
      {"io", {"base"}},
      {"launcher", {"base"}},
      {"config", {"facade", "base"}},
      {"run", {"io", "base"}},
      {"host", {"config", "facade", "io", "base"}},
      {"conformance", {"host", "config", "facade", "io", "base"}},
      {"train", {"kernels", "run", "host", "config", "facade", "io", "base"}},
      {"eval", {"run", "facade", "io", "base"}},
      {"pipeline", {"kernels", "train", "eval", "run", "host", "config", "facade", "io", "base"}},
      {"cli", {"pipeline", "train", "eval", "run", "host", "config", "facade", "io", "base"}},
  };
  return table;
}

/// Who may use a library: beginnings of paths. A library that is not here is not a dependency of ttfm.
const std::map<std::string, std::vector<std::string>>& libraries() {
  static const std::map<std::string, std::vector<std::string>> table = {
      {"ATen/", {""}},
      {"CLI/", {"framework/cli/", "framework/conformance/program/"}},
      {"benchmark/", {"tests/bench/"}},
      {"boost/", {"framework/base/allocator.cpp", "framework/host/shared_library."}},
      {"c10/", {""}},
      {"fmt/", {"framework/base/log.cpp"}},
      {"gtest/", {"framework/conformance/", "framework/include/ttfm/conformance/"}},
      {"jerror.h", {"plugins/datasets/"}},
      {"jpeglib.h", {"plugins/datasets/"}},
      {"nlohmann/",
       {"framework/config/", "framework/conformance/", "framework/io/", "framework/run/", "framework/host/",
        "framework/eval/", "framework/pipeline/", "framework/cli/"}},
      {"openssl/", {"framework/run/environment.cpp"}},
      {"png.h", {"framework/io/png.", "plugins/datasets/"}},
      {"spdlog/", {"framework/base/log.cpp"}},
      {"sys/", {""}},
      {"toml++/", {"framework/config/toml_reader."}},
      {"torch/", {""}},
      {"xxhash.h", {"framework/run/manifest.cpp"}},
      {"zlib.h", {"plugins/datasets/"}},
  };
  return table;
}

/// Each brings most of LibTorch into every file that sees it: 10 to 20 seconds of compilation.
const Names kTooHeavy = {"ATen/ATen.h", "torch/all.h", "torch/extension.h", "torch/torch.h"};

/// The part of a path before its first '/'; all of it if there is none.
std::string head(const std::string& path) { return path.substr(0, path.find('/')); }

bool under(const std::string& path, const std::string& folder) { return path.starts_with(folder); }

std::string object_to_library(const std::string& file, const std::string& name) {
  if (kTooHeavy.contains(name)) return "brings all of LibTorch; include the single headers that are needed";
  const bool header = file.ends_with(".h");
  if (header && name == "torch/csrc/autograd/custom_function.h") return "costs seconds: .cpp files only";
  for (const auto& [library, users] : libraries()) {
    if (!(library.back() == '/' ? under(name, library) : name == library)) continue;
    const bool may = std::any_of(users.begin(), users.end(), [&](const auto& user) { return under(file, user); });
    return may ? "" : "is used in " + users.front() + (users.size() > 1 ? " and others" : " alone");
  }
  return name.find('/') == std::string::npos ? "" : "is no library that ttfm depends on";
}

/// The frozen interfaces know LibTorch's tensor and nothing else of it.
std::string object_to_interface(const std::string& name) {
  const bool light = name == "ATen/core/Tensor.h" || under(name, "ttfm/") || name.find('/') == std::string::npos;
  return light ? "" : "an interface header includes ATen/core/Tensor.h at most";
}

std::string object_in_host(const std::string& file, const std::string& name) {
  const std::string area = head(file.substr(std::string("framework/").size()));
  const auto layer = layers().find(area);
  if (layer == layers().end()) return "stands in framework/" + area + ", a folder that the table does not have";
  if (name.find('/') == std::string::npos) return "is named without its folder";
  const std::string target = head(name);
  if (target == area || layer->second.contains(target)) return "";
  return area + " does not see " + target;
}

}  // namespace

std::string included_by(const std::string& line) {
  static const std::regex include(R"(^\s*#\s*include\s*(<[^>]*>|"[^"]*").*)");
  std::smatch match;
  return std::regex_match(line, match, include) ? match[1].str() : "";
}

std::string objection(const std::string& file, const std::string& target) {
  const std::string name = target.substr(1, target.size() - 2);
  const bool quoted = target.front() == '"';
  const std::string sdk = "framework/include/ttfm/";
  if (under(file, "plugins/")) {
    if (quoted) return name.find('/') == std::string::npos ? "" : "a plugin includes its own folder's files alone";
    return under(name, "ttfm/") ? "" : object_to_library(file, name);
  }
  if (quoted) return under(file, sdk) ? "an SDK header names others in <>" : object_in_host(file, name);
  if (under(name, "ttfm/")) return "";
  // plugin.h is no interface but the glue around them: it translates LibTorch's exceptions
  const bool frozen = under(file, sdk) && file.find('/', sdk.size()) == std::string::npos && file != sdk + "plugin.h";
  if (const std::string text = frozen ? object_to_interface(name) : ""; !text.empty()) return text;
  return object_to_library(file, name);
}

}  // namespace ttfm::includes
