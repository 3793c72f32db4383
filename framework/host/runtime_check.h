// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ttfm::host {

/// The files of the libraries that the process has mapped.
std::vector<std::filesystem::path> loaded_libraries();

/// A second copy of a runtime that a process must have once ("two copies of libgomp are loaded: 'A' and 'B'"), or "".
/// Two LibTorches do not share their types, and two OpenMP runtimes fight for the cores and give wrong sums. The same
/// file under two names is one copy.
std::string duplicate_runtime(const std::vector<std::filesystem::path>& libraries);

}  // namespace ttfm::host
