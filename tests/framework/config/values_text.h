// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include "config/config.h"
#include "config/key.h"

namespace ttfm::config::test {

/// Every value that is in use, as one text.
inline std::string values_text(const Resolved& resolved) {
  std::string all;
  for (const auto& [path, section] : resolved.sections) {
    if (!section.in_use) continue;
    all += "[" + path + "] " + section.type + "\n";
    for (const Values* each : {&section.host, &section.component}) {
      for (const auto& [key, value] : *each) {
        all += key + " " + std::to_string(value.type) + " " + toml_text(value) + "\n";
      }
    }
  }
  return all;
}

}  // namespace ttfm::config::test
