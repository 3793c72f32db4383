// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/pending.h>

#include "nn/product.h"

namespace ttfm::nn {

/// product(weight, pending) + bias. One autograd node where the loops take the value (loops.h). For the gradient pending.x
/// and the statistics of a norm are kept, and what the product took only where product and pending value do not go over
/// blocks of rows together. Elsewhere the same by LibTorch's operations. `weight` is undefined for Product::Kind::none,
/// `bias` where there is none.
template <Value V>
V fused(const Product& product, const Pending<V>& pending, const Tensor& weight, const Tensor& bias);

}  // namespace ttfm::nn
