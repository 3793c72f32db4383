// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>

#include <ttfm/abi.h>

namespace ttfm::host {

using PluginEntry = const ttfm_plugin_v1* (*)();

/// Opens a library for the rest of the process's life and returns its entry point. The only user of Boost.DLL.
///
/// Every symbol is bound now (a missing one must be an error here, not the end of the process at its first call), and
/// none is offered to other libraries. Nothing is ever unloaded: autograd nodes, deleters and exceptions of a plugin
/// outlive its components. Throws ttfm::Error (plugin): E103, E104, E105.
/// @param file absolute, without symbolic links
PluginEntry open_plugin(const std::filesystem::path& file);

/// The reason in the text of an exception of Boost.DLL ("... (dlerror system message: <reason>): Bad file descriptor"),
/// without the library's path in front and with an undefined symbol's name readable: "undefined symbol: _Z4nopev
/// (nope())".
std::string load_error_reason(const std::string& text, const std::filesystem::path& file);

}  // namespace ttfm::host
