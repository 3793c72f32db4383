// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/dual.h>

/// Attention of projected tokens, one head of one sample at a time: what a head needs fits into a core's own cache. For
/// use inside autograd functions, of values that the loops take (loops.h).
namespace ttfm::nn {

/// O [B, N, D] of qkv [B, N, 3 D] without its bias [3 D]: q, k and v side by side, each head after head. The softmax of a
/// head stays in a core's cache: it is computed again for the gradient, not kept.
Dual head_attention_forward(const Dual& qkv, const Tensor& bias, int64_t heads);

struct AttentionGradients {
  Dual qkv;
  Tensor bias;
};
/// `o`: what the forward pass gave.
AttentionGradients head_attention_backward(const Dual& qkv, const Tensor& bias, int64_t heads, const Dual& o,
                                           const Dual& g);

}  // namespace ttfm::nn
