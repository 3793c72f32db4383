// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/nn/dual.h>

/// Values that are not computed yet, for the layer that takes them: it adds a bias, or applies a norm or an activation,
/// in its own pass over the numbers, and keeps for the gradient what went in and the statistics of a norm, not what came out.
namespace ttfm::nn {

/// y + bias, with y [..., C] the product of a linear layer: what takes it adds the bias on the way.
template <Value V>
struct Biased {
  V y;          ///< without the bias
  Tensor bias;  ///< [C]; undefined: none

  V value() const;  ///< the sum
};

/// A norm or an activation that the layer which takes it will compute.
template <Value V>
struct Pending {
  /// Which one.
  enum class Kind : uint8_t {
    none,        ///< x
    silu,        ///< silu(x + bias)
    gelu,        ///< gelu(x + bias)
    layer_norm,  ///< xhat scale + shift, along the last dimension of x [B, ..., C]
    group_norm   ///< xhat scale + shift, over groups of the channels of x [B, C, ...]; with_silu: silu of that
  };

  Kind kind = Kind::none;  ///< what is to be done
  V x{};                   ///< to this
  V scale{};               ///< of a norm: [B, C] or [C]; undefined with `shift`: 1 and 0
  V shift{};               ///< of a norm: as scale
  Tensor bias{};           ///< of an activation: [C], or undefined
  int64_t groups = 0;      ///< of group_norm
  double eps = 0;          ///< of a norm
  bool with_silu = false;  ///< of group_norm

  V value() const;  ///< the norm or activation itself
};

/// silu(z + bias), pending.
template <Value V>
Pending<V> pending_silu(const Biased<V>& z) {
  return {.kind = Pending<V>::Kind::silu, .x = z.y, .bias = z.bias};
}

/// gelu(z + bias), pending.
template <Value V>
Pending<V> pending_gelu(const Biased<V>& z) {
  return {.kind = Pending<V>::Kind::gelu, .x = z.y, .bias = z.bias};
}

/// layer_norm_modulate(x, shift, scale), pending: xhat (1 + scale) + shift with shift and scale [B, C].
template <Value V>
Pending<V> pending_layer_norm_modulate(const V& x, const V& shift, const V& scale, double eps = 1e-6) {
  return {.kind = Pending<V>::Kind::layer_norm, .x = x, .scale = scale + 1, .shift = shift, .eps = eps};
}

/// x + gate * (y + bias), gate [B, C] for x and y [B, ..., C]: a gated residual.
Tensor add_gated(const Tensor& x, const Tensor& gate, const Biased<Tensor>& y);
Dual add_gated(const Dual& x, const Dual& gate, const Biased<Dual>& y);  ///< the same, with its derivative

}  // namespace ttfm::nn
