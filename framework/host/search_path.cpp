// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/search_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include <ttfm/abi.h>
#include "host/runtime_check.h"

namespace ttfm::host {
namespace fs = std::filesystem;
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value ? value : "";
}

/// The file that libttfm.so was loaded from. Found by its name: the address of what it exports may lie in the program,
/// which can have copies of a library's data and stubs for its functions.
fs::path library_file() {
  for (const fs::path& library : loaded_libraries()) {
    if (!library.filename().string().starts_with("libttfm.so")) continue;
    std::error_code ignored;
    return fs::canonical(library, ignored);
  }
  return {};
}

fs::path plugin_folder_in(const fs::path& folder) {
  return folder / "ttfm" / "plugins" / std::to_string(TTFM_ABI_MAJOR);
}

void add_list(SearchPath& path, std::string_view list, const char* why) {
  while (!list.empty()) {
    const std::string_view element = list.substr(0, list.find(':'));
    list.remove_prefix(std::min(element.size() + 1, list.size()));
    if (!element.empty()) path.push_back({fs::absolute(element).lexically_normal(), why, true});
  }
}

}  // namespace

SearchPath search_path(std::string_view option, std::string_view configured) {
  SearchPath path;
  add_list(path, option, "--plugin-path");
  add_list(path, configured, "[plugins] path");
  add_list(path, environment("TTFM_PLUGIN_PATH"), "TTFM_PLUGIN_PATH");

  // The XDG base directory specification has relative values ignored.
  if (const fs::path data = environment("XDG_DATA_HOME"); data.is_absolute()) {
    path.push_back({plugin_folder_in(data), "XDG_DATA_HOME"});
  } else if (const fs::path home = environment("HOME"); home.is_absolute()) {
    path.push_back({plugin_folder_in(home / ".local" / "share"), "your own plugins"});
  }
  if (const fs::path library = library_file(); !library.empty()) {
    path.push_back({plugin_folder_in(library.parent_path()), "beside libttfm.so"});
  }
  return path;
}

bool is_plugin_name(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.starts_with("libttfm_") && name.ends_with(".so");
}

std::vector<fs::path> plugin_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored)) {
    if (is_plugin_name(entry->path())) files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string quoted(const fs::path& path) { return std::string("'").append(path.string()).append("'"); }

std::string why_not_trusted(const fs::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return "";  // whoever reads it says why it cannot

  static const uid_t library_owner = [] {
    struct stat library = {};
    return ::stat(library_file().c_str(), &library) == 0 ? library.st_uid : 0;
  }();
  if (status.st_uid != 0 && status.st_uid != ::geteuid() && status.st_uid != library_owner) {
    return quoted(path) + " belongs to another user (uid " + std::to_string(status.st_uid) +
           "), who could change the code that is loaded from it; copy it to a folder of your own";
  }
  const bool sticky_folder = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX);
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) && !sticky_folder) {
    return quoted(path) +
           " can be written by other users, who could change the code that is loaded from it; run 'chmod go-w " +
           path.string() + "'";
  }
  return "";
}

bool insecure_plugins_allowed() { return environment("TTFM_INSECURE_PLUGINS") == "1"; }

std::string describe(const SearchPath& path) {
  std::string text;
  for (const SearchFolder& folder : path) {
    std::error_code ignored;
    text += (text.empty() ? "" : ", ") + quoted(folder.path) + " (" + folder.why +
            (fs::is_directory(folder.path, ignored) ? "" : "; does not exist") + ")";
  }
  return text.empty() ? "no folder" : text;
}

}  // namespace ttfm::host
