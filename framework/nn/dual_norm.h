// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/dual.h>

namespace ttfm::nn {

/// Which numbers share a mean and a variance.
struct NormKind {
  int64_t groups = 0;  ///< 0: those along the last dimension; else the groups of channels of [B, C, ...]
  double eps = 1e-5;
};

/// xhat scale + shift, then SiLU if wanted, with the derivative. `scale` and `shift` broadcast against x and are both
/// given or both undefined. At least one tangent is defined.
Dual dual_norm(const Dual& x, const Dual& scale, const Dual& shift, const NormKind& kind, bool with_silu);

}  // namespace ttfm::nn
