// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#define XXH_INLINE_ALL  // the header alone: nothing to link
#include <xxhash.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace ttfm::run {

/// A manifest of somebody else's making: `body`, and the checksum that it has to end with.
inline std::string sealed_manifest(std::string_view body) {
  const XXH128_hash_t hash = XXH3_128bits(body.data(), body.size());
  char checksum[33];
  std::snprintf(checksum, sizeof checksum, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return std::string(body) + ",\n  \"checksum\": \"" + checksum + "\"\n}\n";
}

}  // namespace ttfm::run
