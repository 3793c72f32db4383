// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/export.h>

namespace ttfm {

/// Sets what <ttfm/activations.h> answers in this process, for forward passes from now on.
TTFM_API void recompute_activations(bool recompute);

}  // namespace ttfm
