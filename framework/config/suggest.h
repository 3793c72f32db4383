// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/diagnose.h"
#include "config/node.h"

/// What to say to a key or table that a section does not have.
namespace ttfm::config {

struct Unknown {
  const Node* entry = nullptr;
  std::string section;                ///< path; "" outside of all sections
  std::string owner;                  ///< "loss 'itvm'"; "" for a section without a component
  std::vector<std::string> keys;      ///< that the section has
  std::vector<std::string> sections;  ///< paths of the tables that it may hold
};

/// Suggests the nearest key of the section, or a section of `resolved` that has a key of this name.
Problem unknown_problem(const Unknown& unknown, const Resolved& resolved);

}  // namespace ttfm::config
