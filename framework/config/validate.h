// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <map>
#include <string>

#include "config/config.h"
#include "config/diagnose.h"
#include "config/merge.h"

/// Merged layers to validated values.
namespace ttfm::config {

/// Checks every section, key and value of `layers`, and the rules between them. What is wrong goes to `problems`.
Resolved validate(const Layers& layers, const Components& components, Diagnostics& problems);

}  // namespace ttfm::config
