// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/dual.h>
#include <ttfm/nn/module.h>
#include <ttfm/nn/pending.h>

namespace ttfm::nn {

/// xhat = (x - mean) / sqrt(var + eps) along the last dimension (var with divisor n). x [..., D]. Ba, Kiros, Hinton 2016.
Tensor layer_norm(const Tensor& x, double eps = 1e-6);
Dual layer_norm(const Dual& x, double eps = 1e-6);  ///< the same, with its derivative

/// xhat (1 + scale) + shift, the adaptive norm of DiT (Peebles, Xie 2023). x [B, ..., D]; shift and scale [B, D] hold for
/// every token of a row, or have x's rank and broadcast.
Tensor layer_norm_modulate(const Tensor& x, const Tensor& shift, const Tensor& scale, double eps = 1e-6);
/// The same, with its derivative.
Dual layer_norm_modulate(const Dual& x, const Dual& shift, const Dual& scale, double eps = 1e-6);

/// xhat gamma + beta.
struct LayerNorm {
  Tensor weight;  ///< gamma [D]
  Tensor bias;    ///< beta [D]
  double eps;     ///< > 0

  explicit LayerNorm(int64_t width, double epsilon = 1e-5);  ///< starts as gamma 1, beta 0

  void parameters(const Scope& scope);       ///< "weight", "bias"
  Tensor operator()(const Tensor& x) const;  ///< [..., D]
  Dual operator()(const Dual& x) const;      ///< the same, with its derivative
};

/// y = xhat gamma + beta, with mean and variance over the channels of a group and all positions. x [B, C, ...].
/// Wu, He 2018. The forms with SiLU and modulation are what U-Nets use, in fewer passes over the image.
struct GroupNorm {
  Tensor weight;   ///< gamma [C]
  Tensor bias;     ///< beta [C]
  int64_t groups;  ///< divides C
  double eps;      ///< > 0

  /// Throws unless `group_count` divides `channels`.
  GroupNorm(int64_t group_count, int64_t channels, double epsilon = 1e-5);

  void parameters(const Scope& scope);  ///< "weight", "bias"

  /// y
  Tensor operator()(const Tensor& x) const;
  Dual operator()(const Dual& x) const;  ///< the same, with its derivative

  /// silu(y)
  Tensor silu(const Tensor& x) const;
  Dual silu(const Dual& x) const;  ///< the same, with its derivative

  /// silu(y (1 + scale) + shift), shift and scale [B, C].
  Tensor modulate_silu(const Tensor& x, const Tensor& shift, const Tensor& scale) const;
  Dual modulate_silu(const Dual& x, const Dual& shift, const Dual& scale) const;  ///< the same, with its derivative

  // The same three, left to the layer that takes them.
  template <Value V>
  Pending<V> pending(const V& x) const;  ///< y
  template <Value V>
  Pending<V> pending_silu(const V& x) const;  ///< silu(y)
  template <Value V>
  Pending<V> pending_modulate_silu(const V& x, const V& shift, const V& scale) const;  ///< silu(y (1 + scale) + shift)
};

}  // namespace ttfm::nn
