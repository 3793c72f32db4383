// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <sys/stat.h>

#include "framework/run/sealed_manifest.h"
#include "fuzz/fuzz.h"
#include "run/manifest.h"

namespace {

/// What a hostile folder may hold beside what a checkpoint has.
void make_folder() {
  namespace fs = std::filesystem;
  const fs::path& folder = ttfm::fuzz::folder();
  ttfm::fuzz::write("model.safetensors", "12345678");
  ttfm::fuzz::write("state.json", "{}");
  mkfifo((folder / "pipe").c_str(), 0600);
  fs::create_symlink("loop", folder / "loop");
  fs::create_symlink("/dev/zero", folder / "zero");
  fs::create_directory(folder / "folder");
}

void check() {
  const ttfm::run::ManifestCheck check = ttfm::run::check_manifest(ttfm::fuzz::folder());
  if (!check.damage.empty()) return;
  for (const auto& file : check.files) {
    ttfm::fuzz::require(file.name == "model.safetensors" || file.name == "state.json",
                        "a manifest lists files of its folder");
  }
}

}  // namespace

/// The input is a manifest: as it is, and without its end, which is made for it, as nobody guesses a checksum.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool made = (make_folder(), true);
  (void)made;
  const std::string_view text = ttfm::fuzz::text_of(data, size);
  ttfm::fuzz::write(ttfm::run::kManifestName, text);
  check();
  ttfm::fuzz::write(ttfm::run::kManifestName, ttfm::run::sealed_manifest(text));
  check();
  return 0;
}
