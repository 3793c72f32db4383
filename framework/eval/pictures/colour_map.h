// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include "eval/pictures/canvas.h"

namespace ttfm::eval {

/// The perceptually uniform map "viridis" (van der Walt, Smith, 2015; CC0), piecewise linear between ten of its
/// colours: 0 dark violet, 1 yellow. `value` is clamped to [0, 1].
Colour viridis(double value);

}  // namespace ttfm::eval
