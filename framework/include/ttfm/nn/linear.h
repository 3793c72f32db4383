// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/dual.h>
#include <ttfm/nn/module.h>
#include <ttfm/nn/pending.h>

namespace ttfm::nn {

/// y = x W^T + b along the last dimension: x [..., in], y [..., out].
struct Linear {
  Tensor weight;     ///< [out, in]
  Tensor bias;       ///< [out]
  Init weight_init;  ///< how `weight` starts
  Init bias_init;    ///< how `bias` starts

  /// Starts as PyTorch's Linear, U(-1/sqrt(in), 1/sqrt(in)) for both.
  Linear(int64_t in, int64_t out);
  Linear(int64_t in, int64_t out, Init weight_start, Init bias_start = Init::zeros());  ///< starts as given

  void parameters(const Scope& scope);       ///< "weight", "bias"
  Tensor operator()(const Tensor& x) const;  ///< y
  Dual operator()(const Dual& x) const;      ///< the same, with its derivative
  template <Value V>
  V operator()(const Pending<V>& x) const;  ///< y of a norm or an activation, in one with it
  template <Value V>
  Biased<V> product(const Pending<V>& x) const;  ///< x W^T: what takes it adds b
};

}  // namespace ttfm::nn
