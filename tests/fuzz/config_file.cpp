// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "fuzz/fuzz.h"

#include "fuzz/config_round_trip.h"

/// The input is a configuration; it may extend base.toml.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm::fuzz;
  static const auto base = write("base.toml", kSmallConfiguration);
  check_configuration(write("input.toml", text_of(data, size)), {});
  return 0;
}
