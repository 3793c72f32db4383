// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/dual.h>

/// Attention of projected tokens, one head of one sample at a time: what a head needs fits into a core's own cache. For
/// use inside autograd functions, of values that the loops take (loops.h).
namespace ttfm::nn {

/// What the backward pass needs beside its inputs, [B, heads, N, N] each; undefined: it computes them again.
struct AttentionWeights {
  Tensor s;   ///< softmax(c q k^T)
  Tensor ds;  ///< its tangent; undefined for the plain form
};

struct AttentionOutput {
  Dual o;  ///< [B, N, D]
  AttentionWeights weights;
};

/// qkv [B, N, 3 D] without its bias [3 D]: q, k and v side by side, each head after head. `keeps`: the weights, for the
/// backward pass.
AttentionOutput head_attention_forward(const Dual& qkv, const Tensor& bias, int64_t heads, bool keeps);

struct AttentionGradients {
  Dual qkv;
  Tensor bias;
};
AttentionGradients head_attention_backward(const Dual& qkv, const Tensor& bias, int64_t heads,
                                           const AttentionOutput& output, const Dual& g);

}  // namespace ttfm::nn
