// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <algorithm>

#include "fuzz/config_round_trip.h"
#include "fuzz/fuzz.h"

/// Each line of the input is an override of a small configuration.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm::fuzz;
  static const auto file = write("input.toml", kSmallConfiguration);
  std::vector<std::string> overrides;
  for (std::string_view rest = text_of(data, size); !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    overrides.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  check_configuration(file, overrides);
  return 0;
}
