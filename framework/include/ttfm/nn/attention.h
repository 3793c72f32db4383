// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/linear.h>

namespace ttfm::nn {

/// softmax(q k^T / sqrt(d)) v. q, k and v are [B, heads, N, d] in any memory layout; so is the result.
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v);
Dual attention(const Dual& q, const Dual& k, const Dual& v);  ///< the same, with its derivative

/// Multi-head self-attention of tokens x [B, N, D]: one projection to q, k, v, attention, one projection back.
/// Vaswani et al. 2017.
struct SelfAttention {
  Linear qkv;     ///< D to 3 D
  Linear out;     ///< D to D
  int64_t heads;  ///< divides D

  /// Throws unless `head_count` divides `width`.
  SelfAttention(int64_t width, int64_t head_count, Init qkv_start = Init::xavier(), Init out_start = Init::xavier());

  void parameters(const Scope& scope);       ///< "qkv", "out"
  Tensor operator()(const Tensor& x) const;  ///< [B, N, D] to [B, N, D]
  Dual operator()(const Dual& x) const;      ///< the same, with its derivative
  template <Value V>
  Biased<V> product(const Pending<V>& x) const;  ///< of a norm, without the last bias: what takes it adds that
};

}  // namespace ttfm::nn
