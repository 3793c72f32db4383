// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/activation_policy.h"

#include <atomic>

#include <ttfm/activations.h>

namespace ttfm {
namespace {

std::atomic<bool> recomputes{false};

}  // namespace

void recompute_activations(bool recompute) { recomputes = recompute; }
bool recomputes_activations() { return recomputes; }

}  // namespace ttfm
