// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/dual.h>

/// Attention of projected tokens, one head of one sample at a time: what a head needs fits into a core's own cache. For
/// use inside autograd functions, of values that the loops take (loops.h).
namespace ttfm::nn {

/// O [B, N, D] and, where they are kept for the gradient, the weights S [B, heads, N, N].
struct Attention {
  Dual o, weights;
};

/// Of qkv [B, N, 3 D]: q, k and v side by side, each head after head. Weights that are not kept are computed again for the
/// gradient.
Attention head_attention_forward(const Dual& qkv, int64_t heads, bool keeps);

/// The gradient of qkv; `of`: what the forward pass gave.
Dual head_attention_backward(const Dual& qkv, int64_t heads, const Attention& of, const Dual& g);

}  // namespace ttfm::nn
