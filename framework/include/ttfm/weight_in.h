// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/interface.h>

namespace ttfm {

/// `weight` in `type`, for a layer that computes in 16 bits: the copy that the host keeps of a network that it was told to
/// compute so ([train] precision), else a new one. Not recorded: call it inside an autograd function, whose gradient for
/// `weight` is in the weight's own type. Since ABI 1.1.
TTFM_API Tensor weight_in(const Tensor& weight, at::ScalarType type);

}  // namespace ttfm
