// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include "config/validate.h"

namespace ttfm::config {

/// The rules between values that are each valid: contradictions go to `problems`, values without an effect to
/// `resolved.warnings`. `places` has keys ("train.lr") and sections ("train") by path. A value that is absent because it is wrong breaks no rule.
void check_rules(Resolved& resolved, const Places& places, Diagnostics& problems);

}  // namespace ttfm::config
