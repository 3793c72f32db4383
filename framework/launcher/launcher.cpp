// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// A program's first few milliseconds: finds LibTorch, opens it, and hands over to the shared library that is the
// program. Linked to neither, so that a missing LibTorch is answered by a sentence instead of the system's loader, and so
// that an installed tree can be moved: libraries that are open already satisfy those who need them, whatever folder
// those were linked in. LibTorch finds its own libraries by paths relative to itself.
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "base/error_codes.h"

namespace {
namespace fs = std::filesystem;

constexpr int kCannotStart = 5;  // docs/reference/exit_codes.md
constexpr const char* kTorch = "LibTorch " TTFM_TORCH_VERSION;

[[noreturn]] void fail(const std::string& text) {
  std::fprintf(stderr, "error[E%d]: %s\n", ttfm::kNoTorch, text.c_str());
  std::exit(kCannotStart);
}

std::string quoted(const fs::path& path) { return "'" + path.string() + "'"; }

/// The folder that holds lib/libtorch_cpu.so: torch/ in `root`, or `root` itself; empty if neither does.
fs::path torch_in(const fs::path& root) {
  std::error_code ignored;
  for (const fs::path& folder : {root / "torch", root}) {
    if (fs::exists(folder / "lib" / "libtorch_cpu.so", ignored)) return folder;
  }
  return {};
}

/// The first line of a file, or "".
std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

/// TTFM_TORCH_ROOT, a copy that was installed with ttfm, or the place that was recorded when ttfm was built.
fs::path find_torch(const fs::path& libraries) {
  if (const char* const root = std::getenv("TTFM_TORCH_ROOT"); root && *root) {
    if (fs::path torch = torch_in(root); !torch.empty()) return torch;
    fail(std::string("TTFM_TORCH_ROOT=") + root +
         " holds no torch/lib/libtorch_cpu.so: let it name the folder with the torch/ of " + kTorch + ".");
  }
  if (fs::path torch = torch_in(libraries / "libtorch"); !torch.empty()) return torch;
  const fs::path record = libraries / "libtorch.path";
  const std::string recorded = first_line(record);
  if (!recorded.empty()) {
    if (fs::path torch = torch_in(recorded); !torch.empty()) return torch;
  }
  fail(std::string(kTorch) + " is not where it was (" + (recorded.empty() ? "nothing" : quoted(fs::path(recorded))) +
       " is recorded in " + quoted(record) + "), and no copy is in " + quoted(libraries / "libtorch") +
       ": set TTFM_TORCH_ROOT to the folder that holds its torch/.");
}

/// LibTorch keeps no promise from one minor version to the next; its headers, where they are there, say which it is.
void check_version(const fs::path& torch) {
  std::ifstream in(torch / "include" / "torch" / "headeronly" / "version.h");
  std::string directive, name, value, version;
  while (in >> directive >> name >> value) {
    if (name == "TORCH_VERSION_MAJOR") version = value;
    if (name == "TORCH_VERSION_MINOR") version += "." + value;
    in.ignore(1 << 16, '\n');
  }
  if (!version.empty() && version != TTFM_TORCH_VERSION) {
    fail(quoted(torch) + " is LibTorch " + version + ", and this ttfm was built for " + kTorch +
         ": set TTFM_TORCH_ROOT to the folder that holds that one's torch/.");
  }
}

void* open_library(const fs::path& library, int mode, const char* advice) {
  void* const handle = dlopen(library.c_str(), RTLD_NOW | mode);
  if (!handle) fail(quoted(library) + " cannot be opened: " + dlerror() + ". " + advice);
  return handle;
}

}  // namespace

int main(int argc, char** argv) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) fail("/proc/self/exe cannot be read, so that ttfm does not know where it is installed.");
  const fs::path libraries = (program.parent_path() / TTFM_LIBRARIES).lexically_normal();

  const fs::path torch = find_torch(libraries);
  check_version(torch);
  open_library(torch / "lib" / "libtorch_cpu.so", RTLD_GLOBAL, "Set TTFM_TORCH_ROOT to the folder of a whole one.");
  void* const module = open_library(libraries / TTFM_MODULE, RTLD_LOCAL, "Install what it needs: `ldd` lists it.");
  using Main = int (*)(int, char**);
  const auto run = reinterpret_cast<Main>(dlsym(module, "ttfm_main"));
  if (!run) fail(quoted(libraries / TTFM_MODULE) + " is not of this ttfm: it has no function ttfm_main.");
  return run(argc, argv);
}
