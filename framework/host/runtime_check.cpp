// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/runtime_check.h"

#include <link.h>

#include <set>

namespace ttfm::host {
namespace fs = std::filesystem;

std::vector<fs::path> loaded_libraries() {
  std::vector<fs::path> libraries;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* out) {
        if (info->dlpi_name && *info->dlpi_name)
          static_cast<std::vector<fs::path>*>(out)->emplace_back(info->dlpi_name);
        return 0;
      },
      &libraries);
  return libraries;
}

std::string duplicate_runtime(const std::vector<fs::path>& libraries) {
  for (const std::string runtime : {"libtorch_cpu", "libgomp"}) {
    std::set<fs::path> copies;
    for (const fs::path& library : libraries) {
      if (!library.filename().string().starts_with(runtime)) continue;
      std::error_code error;
      const fs::path file = fs::canonical(library, error);
      copies.insert(error ? library : file);
    }
    if (copies.size() > 1) {
      return "two copies of " + runtime + " are loaded: '" + copies.begin()->string() + "' and '" +
             std::next(copies.begin())->string() + "'";
    }
  }
  return "";
}

}  // namespace ttfm::host
