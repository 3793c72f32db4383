// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/dual.h>

namespace ttfm::nn {

/// silu(x) = x sigmoid(x); Elfwing, Uchibe, Doya 2018. Any shape.
Tensor silu(const Tensor& x);
Dual silu(const Dual& x);  ///< the same, with its derivative

/// gelu(x) = x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2, the tanh approximation; Hendrycks, Gimpel 2016. Any shape.
Tensor gelu(const Tensor& x);
Dual gelu(const Dual& x);  ///< the same, with its derivative

}  // namespace ttfm::nn
