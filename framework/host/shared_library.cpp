// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#define BOOST_DLL_USE_STD_FS
#include "host/shared_library.h"

#include <cxxabi.h>
#include <dlfcn.h>

#include <boost/dll/shared_library.hpp>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>

#include <ttfm/error.h>
#include "base/error_codes.h"
#include "host/search_path.h"

namespace ttfm::host {
namespace {

constexpr const char* kEntry = "ttfm_plugin_entry_v1";

/// Keeps a library open for the rest of the process's life: closing it would unmap code that is still in use.
const boost::dll::shared_library& keep(boost::dll::shared_library library) {
  static std::mutex mutex;
  static auto* const kept = new std::deque<boost::dll::shared_library>;  // never destroyed, which would close them
  const std::lock_guard lock(mutex);
  return kept->emplace_back(std::move(library));
}

std::string demangled(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
                                                         &std::free);
  return status == 0 ? text.get() : "";
}

}  // namespace

std::string load_error_reason(const std::string& text, const std::filesystem::path& file) {
  static constexpr std::string_view kMark = "(dlerror system message: ";
  static constexpr std::string_view kUndefined = "undefined symbol: ";
  std::string reason = text;
  if (const size_t start = reason.find(kMark); start != std::string::npos) {
    reason.erase(0, start + kMark.size());
    if (const size_t end = reason.rfind("):"); end != std::string::npos) reason.resize(end);
  }
  if (const std::string own = file.string() + ": "; reason.starts_with(own)) reason.erase(0, own.size());
  if (const size_t place = reason.find(kUndefined); place != std::string::npos) {
    const size_t start = place + kUndefined.size();
    const size_t end = std::min(reason.find_first_of(", \n", start), reason.size());
    const std::string readable = demangled(reason.substr(start, end - start));
    if (!readable.empty()) reason.insert(end, " (" + readable + ")");
    reason += ". It was linked with another ttfm or LibTorch than these, or with too few libraries: rebuild it";
  }
  return reason;
}

PluginEntry open_plugin(const std::filesystem::path& file) {
  boost::dll::shared_library library;
  try {
    library.load(file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  } catch (const std::exception& error) {
    throw Error(ErrorKind::plugin, quoted(file) + " cannot be loaded: " + load_error_reason(error.what(), file) + ".",
                kCannotBeLoaded);
  }
  const boost::dll::shared_library& kept = keep(std::move(library));

  void* const symbol = kept.has(kEntry) ? dlsym(kept.native(), kEntry) : nullptr;
  if (!symbol) {
    throw Error(ErrorKind::plugin,
                quoted(file) + " has no entry point '" + kEntry +
                    "'. It is not a ttfm plugin, or it hides the symbol: build it with ttfm_add_plugin() and describe "
                    "it with TTFM_PLUGIN.",
                kNotAPlugin);
  }

  // A look-up by name also searches the libraries that this one needs.
  Dl_info owner = {};
  std::error_code ignored;
  if (dladdr(symbol, &owner) == 0 || !std::filesystem::equivalent(owner.dli_fname, file, ignored)) {
    throw Error(ErrorKind::plugin,
                quoted(file) + " has no entry point of its own; the one found belongs to '" +
                    (owner.dli_fname ? owner.dli_fname : "?") + "'. A plugin must not link another plugin.",
                kBorrowedEntry);
  }
  return reinterpret_cast<PluginEntry>(symbol);
}

}  // namespace ttfm::host
