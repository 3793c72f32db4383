// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "file_list.h"

#include <algorithm>
#include <cctype>

#include <ttfm/error.h>
#include <ttfm/io/samples.h>

namespace ttfm::image_folder {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool is_image(const fs::directory_entry& entry) {
  std::string ending = entry.path().extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return entry.is_regular_file() && (ending == ".png" || ending == ".jpg" || ending == ".jpeg");
}

/// Images in `folder` and below it, by their names relative to `root`, unsorted.
void collect(const fs::path& root, const fs::path& folder, int64_t label, std::vector<File>& out) {
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::recursive_directory_iterator(); ++entry) {
    if (is_hidden(entry->path())) {
      entry.disable_recursion_pending();
    } else if (is_image(*entry)) {
      out.push_back({entry->path().lexically_relative(root).generic_string(), label});
    }
  }
}

[[noreturn]] void fail(const fs::path& folder, const std::string& what) {
  throw Error(ErrorKind::data, "the image folder '" + folder.string() + "' " + what);
}

FileList list(const fs::path& folder) {
  FileList list;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_hidden(entry.path())) continue;
    if (entry.is_directory())
      list.classes.push_back(entry.path().filename().string());
    else if (is_image(entry))
      list.files.push_back({entry.path().filename().string(), 0});
  }
  if (!list.classes.empty() && !list.files.empty()) {
    const auto first = std::min_element(list.files.begin(), list.files.end(),
                                        [](const File& a, const File& b) { return a.name < b.name; });
    fail(folder, "has both sub-folders, which are classes, and images beside them ('" + first->name +
                     "'): which class has those?");
  }
  std::sort(list.classes.begin(), list.classes.end());
  for (size_t i = 0; i < list.classes.size(); ++i) {
    const size_t before = list.files.size();
    collect(folder, folder / list.classes[i], static_cast<int64_t>(i), list.files);
    if (list.files.size() == before) {
      fail(folder,
           "has the sub-folder '" + list.classes[i] + "' without a .png, .jpg or .jpeg file: a class needs one");
    }
  }
  return list;
}

}  // namespace

FileList list_images(const fs::path& folder) {
  io::check_folder(folder, "the image folder '" + folder.string() + "'");
  FileList found;
  try {
    found = list(folder);
  } catch (const fs::filesystem_error& error) {
    fail(folder, std::string("cannot be listed: ") + error.what());
  }
  if (found.files.empty()) fail(folder, "has no .png, .jpg or .jpeg file");
  std::sort(found.files.begin(), found.files.end(), [](const File& a, const File& b) { return a.name < b.name; });
  return found;
}

/// FNV-1a, then the finaliser of SplitMix64 (names that differ at the end only would stay close), as a number in [0, 1).
bool is_held_out(const std::string& name, double share) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9u;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBu;
  hash ^= hash >> 31;
  return static_cast<double>(hash >> 11) * 0x1p-53 < share;
}

}  // namespace ttfm::image_folder
