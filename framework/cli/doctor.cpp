// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <sched.h>

#include <cctype>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include <ttfm/abi.h>
#include <ttfm/error.h>

#include "base/device.h"
#include "base/error_codes.h"
#include "base/kinds.h"
#include "base/version.h"
#include "cli/commands.h"
#include "host/runtime_check.h"

namespace ttfm::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// What a run of today would meet on this machine.
struct Findings {
  std::vector<std::pair<std::string, std::string>> facts;  ///< name, value
  Json folders = Json::array();                            ///< of the search, in its order
  std::vector<std::string> notes;                          ///< worth knowing, and in nobody's way
  std::vector<std::string> problems;                       ///< keep runs from working
};

fs::path file_of(const std::string& name) {
  for (const fs::path& library : host::loaded_libraries()) {
    std::error_code ignored;
    if (library.filename().string().starts_with(name)) return fs::canonical(library, ignored);
  }
  return {};
}

std::string cores() {
  cpu_set_t usable;
  const int count = sched_getaffinity(0, sizeof usable, &usable) == 0 ? CPU_COUNT(&usable) : 1;
  return std::to_string(count) + (count == 1 ? " core" : " cores") + " to use";
}

std::string device() {
  const DeviceChoice choice = choose_device("auto", /*deterministic=*/true);
  return choice.device.str() + (choice.note.empty() ? "" : " (" + choice.note + ")");
}

/// Where find_package(ttfm) finds it, or how it would.
std::string cmake_package(const fs::path& program) {
  const fs::path prefix = program.parent_path().parent_path();
  if (fs::exists(prefix / "lib" / "cmake" / "ttfm" / "ttfm-config.cmake")) {
    return "-DCMAKE_PREFIX_PATH=" + prefix.string();
  }
  return "none: this ttfm is not installed; ./dev install PREFIX";
}

void look_at_plugins(host::Registry& registry, Findings& found) {
  registry.try_all();
  const std::vector<host::ComponentInfo> components = registry.components(/*open_all=*/true);
  for (const host::SearchFolder& folder : registry.search_path()) {
    std::error_code ignored;
    const bool there = fs::is_directory(folder.path, ignored);
    const std::string distrust = there ? host::why_not_trusted(folder.path) : "";
    found.folders.push_back({{"path", folder.path.string()},
                             {"why", folder.why},
                             {"exists", there},
                             {"files", host::plugin_files(folder.path).size()},
                             {"distrust", distrust}});
  }
  for (const ttfm_kind kind : kKinds) {
    const std::string name(kind_name(kind));
    if (registry.names(kind).empty()) {
      found.problems.push_back("there is no " + name + " at all: build the plugins, or name their folder in " +
                               "TTFM_PLUGIN_PATH");
    }
  }
  for (const host::ComponentInfo& info : components) {
    const std::string component = info.kind.empty() ? "" : info.kind + " '" + info.name + "': ";
    if (info.state == host::ComponentInfo::State::refused) {
      found.notes.push_back(component + info.reason + " (E" + std::to_string(info.code) + ")");
    } else if (info.state == host::ComponentInfo::State::shadowed) {
      found.notes.push_back(component + host::quoted(info.path) + " is not used: an earlier folder offers it too (E" +
                            std::to_string(kProvidedTwice) + ")");
    }
  }
}

Findings examine(const DoctorArguments& arguments) {
  Findings found;
  const fs::path program = fs::read_symlink("/proc/self/exe");
  const fs::path torch = file_of("libtorch_cpu.so");
  const auto registry = pipeline::open_registry(arguments.session);
  // before a refused plugin has brought its own
  if (const std::string twice = host::duplicate_runtime(host::loaded_libraries()); !twice.empty()) {
    found.problems.push_back(twice + " (E" + std::to_string(kSecondRuntime) + ")");
  }
  look_at_plugins(*registry, found);
  found.facts = {{"ttfm", std::string(TTFM_VERSION) + ", " + program.string()},
                 {"plugin ABI", std::to_string(TTFM_ABI_MAJOR) + "." + std::to_string(TTFM_ABI_MINOR)},
                 {"LibTorch", torch_version() + ", " + torch.string()},
                 {"compiler", "g++ " __VERSION__},
                 {"device", device()},  // after the plugins were tried: CUDA starts threads
                 {"processor", cores()},
                 {"CMake", cmake_package(program)}};
  return found;
}

std::string text_of(const Findings& found) {
  std::string text;
  for (const auto& [name, value] : found.facts) text += name + std::string(12 - name.size(), ' ') + value + "\n";
  text += "plugins     looked for in this order:\n";
  for (const Json& folder : found.folders) {
    const size_t files = folder["files"];
    text += "  " + folder["path"].get<std::string>() + " (" + folder["why"].get<std::string>() +
            "): " + (folder["exists"] ? std::to_string(files) + (files == 1 ? " file" : " files") : "does not exist") +
            "\n";
    if (const std::string distrust = folder["distrust"]; !distrust.empty()) text += "    " + distrust + "\n";
  }
  for (const std::string& note : found.notes) text += "note: " + note + "\n";
  for (const std::string& problem : found.problems) text += "problem: " + problem + "\n";
  return text + (found.problems.empty() ? "no problem found\n" : "");
}

std::string json_of(const Findings& found) {
  Json json;
  for (const auto& [name, value] : found.facts) {
    std::string key = name;
    for (char& c : key) c = c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    json[key] = value;
  }
  json["folders"] = found.folders;
  json["notes"] = found.notes;
  json["problems"] = found.problems;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

int doctor(const DoctorArguments& arguments) {
  const Findings found = examine(arguments);
  std::fputs((arguments.json ? json_of(found) : text_of(found)).c_str(), stdout);
  return found.problems.empty() ? 0 : static_cast<int>(ErrorKind::plugin);
}

}  // namespace ttfm::cli
