// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/zeros_like.h>

#include <ttfm/nn/dual.h>

namespace ttfm::nn {

Tensor tangent_or_zeros(const Dual& x) { return x.tangent.defined() ? x.tangent : at::zeros_like(x.primal); }

}  // namespace ttfm::nn
