// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/export.h>

namespace ttfm {

/// What a layer does with results that its gradient needs and that it could compute again from its inputs, as
/// [train] activations says: keep them (false), or compute them again in the backward pass (true), which takes less memory
/// and more time. Since ABI 1.1.
TTFM_API bool recomputes_activations();

}  // namespace ttfm
