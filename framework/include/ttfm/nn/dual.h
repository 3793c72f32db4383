// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/dual.h>

namespace ttfm::nn {

/// The tangent, zeros where it is undefined.
Tensor tangent_or_zeros(const Dual& x);

}  // namespace ttfm::nn
