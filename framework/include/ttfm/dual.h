// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/interface.h>

namespace ttfm {

/// A value and its derivative along one direction. An undefined tangent is zero; a defined one has the primal's shape,
/// dtype and device. (S, frozen)
struct Dual {
  Tensor primal;   ///< the value
  Tensor tangent;  ///< the derivative; undefined: zero
};

/// The direction of a derivative in (x, s, t). Undefined is zero; dx has x's shape, ds and dt are [B]. (S, frozen)
struct Direction {
  Tensor dx{};  ///< in x, like x
  Tensor ds{};  ///< in s, [B]
  Tensor dt{};  ///< in t, [B]
};

}  // namespace ttfm
