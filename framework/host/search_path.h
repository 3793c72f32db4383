// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace ttfm::host {

/// A folder in which plugins are looked for.
struct SearchFolder {
  std::filesystem::path path;  ///< absolute; need not exist
  std::string why;             ///< what put it in the list: "--plugin-path", "TTFM_PLUGIN_PATH", ...
  bool named = false;          ///< by the user: that it does not exist is worth a warning
};

/// In the order in which they are searched: the first file that offers a component wins.
using SearchPath = std::vector<SearchFolder>;

/// Where plugins are looked for: `option` (--plugin-path), `configured` ([plugins] path), $TTFM_PLUGIN_PATH, the user's
/// data folder ($XDG_DATA_HOME or ~/.local/share)/ttfm/plugins/1, and ttfm/plugins/1 beside libttfm.so. The first three
/// are lists separated by ':', relative to the working directory; the working directory itself is in the list only if
/// it is named ("."), never by an empty element.
SearchPath search_path(std::string_view option = {}, std::string_view configured = {});

/// Whether a search looks at a file of that name: libttfm_*.so.
bool is_plugin_name(const std::filesystem::path& file);

/// The plugins' files of a folder, sorted by name; none if there is no such folder.
std::vector<std::filesystem::path> plugin_files(const std::filesystem::path& folder);

/// Why code must not be loaded from `path` (a file or a folder), and what to do; "" if it may be. Loading a library runs
/// its code, so nobody else may be able to write it: it must belong to root, to the user, or to the owner of libttfm.so
/// (whose code runs already), and neither group nor others may write it. A folder with the sticky bit may be writable.
std::string why_not_trusted(const std::filesystem::path& path);

/// TTFM_INSECURE_PLUGINS=1: untrusted files are loaded, with a warning.
bool insecure_plugins_allowed();

/// The path in quotes, for messages.
std::string quoted(const std::filesystem::path& path);

/// "'/a' (--plugin-path), '/b' (TTFM_PLUGIN_PATH; does not exist)", for messages.
std::string describe(const SearchPath& path);

}  // namespace ttfm::host
