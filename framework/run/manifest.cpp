// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/manifest.h"

#define XXH_INLINE_ALL  // the header alone: nothing to link
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "base/atomic_file.h"
#include "base/printable.h"
#include "base/read_file.h"
#include "run/json_count.h"

namespace ttfm::run {
namespace {

constexpr int kFormat = 1;

std::string hex(XXH128_hash_t hash) {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text.data();
}

/// None if the file cannot be read to its end.
std::optional<std::string> hash_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Checksum checksum;
  std::vector<char> block(1 << 18);
  while (file) {
    file.read(block.data(), static_cast<std::streamsize>(block.size()));
    checksum.add(block.data(), static_cast<size_t>(file.gcount()));
  }
  if (!file.eof()) return std::nullopt;
  return checksum.text();
}

/// The manifest's end carries the checksum of everything before it, so that each byte of the file is covered.
std::string sealed(std::string body) {
  const std::string checksum = hex(XXH3_128bits(body.data(), body.size()));
  return std::move(body) + ",\n  \"checksum\": \"" + checksum + "\"\n}\n";
}

/// What was sealed, as JSON; none if it is not exactly that.
std::optional<nlohmann::json> unseal(const std::string& text) {
  static const size_t seal = sealed("").size();
  if (text.size() < seal) return std::nullopt;
  if (sealed(text.substr(0, text.size() - seal)) != text) return std::nullopt;
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

/// What is wrong with a file; "" if nothing is.
std::string damage_of(const std::filesystem::path& path, uintmax_t expected_bytes, const std::string& checksum) {
  std::error_code error;
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) return error.message();
  if (bytes != expected_bytes) {
    return "has " + std::to_string(bytes) + " bytes, the manifest says " + std::to_string(expected_bytes);
  }
  const std::optional<std::string> hash = hash_file(path);
  if (!hash) return "cannot be read";
  return *hash == checksum ? "" : "its checksum is not the manifest's";
}

ManifestCheck::File check_file(const std::filesystem::path& folder, const nlohmann::json& entry) {
  ManifestCheck::File file;
  entry.at("name").get_to(file.name);
  // at a byte of 0 the system would take the name to end
  if (file.name.empty() || file.name.front() == '.' || file.name.find('/') != std::string::npos ||
      file.name.find('\0') != std::string::npos) {
    throw WrongField("'" + printable(file.name) + "' is not a file of this folder");
  }
  file.bytes = static_cast<uint64_t>(count_at(entry, "bytes"));
  file.damage = damage_of(folder / file.name, file.bytes, entry.at("xxh3_128").get<std::string>());
  return file;
}

}  // namespace

struct Checksum::State {
  XXH3_state_t xxh3;
};

Checksum::Checksum() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->xxh3); }

Checksum::~Checksum() = default;

void Checksum::add(const void* data, size_t size) { XXH3_128bits_update(&state_->xxh3, data, size); }

std::string Checksum::text() const { return hex(XXH3_128bits_digest(&state_->xxh3)); }

std::string manifest_text(const std::vector<ManifestEntry>& files) {
  nlohmann::ordered_json manifest{{"format", kFormat}, {"files", nlohmann::ordered_json::array()}};
  for (const ManifestEntry& file : files) {
    manifest["files"].push_back({{"name", file.name}, {"bytes", file.bytes}, {"xxh3_128", file.checksum}});
  }
  std::string text = manifest.dump(2);
  text.resize(text.rfind('\n'));  // without the closing brace, which the seal brings
  return sealed(std::move(text));
}

ManifestCheck check_manifest(const std::filesystem::path& folder) {
  ManifestCheck check;
  const std::string own = std::string(kManifestName) + ": ";
  try {
    const std::string text = read_file(folder / kManifestName, limits::kManifestBytes);
    const std::optional<nlohmann::json> manifest = unseal(text);
    if (!manifest) return {own + "is damaged: its own checksum does not match", {}};
    if (const int64_t format = count_at(*manifest, "format"); format != kFormat) {
      return {own + "has format " + std::to_string(format) + ", this program reads " + std::to_string(kFormat), {}};
    }
    std::set<std::string> names;
    for (const nlohmann::json& entry : manifest->at("files")) {
      check.files.push_back(check_file(folder, entry));
      const std::string& name = check.files.back().name;
      if (!names.insert(name).second) throw WrongField("it lists '" + name + "' twice");
    }
    const auto damaged = std::find_if(check.files.begin(), check.files.end(),
                                      [](const ManifestCheck::File& file) { return !file.damage.empty(); });
    if (damaged != check.files.end()) check.damage = damaged->name + ": " + damaged->damage;
    return check;
  } catch (const UnreadableFile& unreadable) {
    return {own + unreadable.what(), {}};
  } catch (const nlohmann::json::exception& exception) {
    return {own + "is no manifest: " + exception.what(), {}};
  } catch (const WrongField& wrong) {
    return {own + "is no manifest: " + wrong.what(), {}};
  }
}

}  // namespace ttfm::run
