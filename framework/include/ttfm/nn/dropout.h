// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/network.h>
#include <ttfm/nn/dual.h>
#include <ttfm/nn/pending.h>

namespace ttfm::nn {

/// Sets each number to zero with probability p and divides the others by 1 - p; nothing when call.dropout is null or
/// p is 0. The mask is a function of the stream and of `name`, a name that is the layer's own in its network: primal and
/// tangent, and copies of the network that are asked with the same stream, drop the same numbers. 0 <= p < 1.
Tensor dropout(const Tensor& x, double p, const Call& call, Name name);
Dual dropout(const Dual& x, double p, const Call& call, Name name);  ///< the same, with its derivative

/// The same of a value that is not computed yet; it stays so where nothing is dropped.
template <Value V>
Biased<V> dropout(const Biased<V>& y, double p, const Call& call, Name name) {
  if (call.dropout == nullptr || p == 0) return y;
  return {dropout(y.value(), p, call, name), {}};
}
/// The same.
template <Value V>
Pending<V> dropout(const Pending<V>& x, double p, const Call& call, Name name) {
  if (call.dropout == nullptr || p == 0) return x;
  return {.x = dropout(x.value(), p, call, name)};
}

}  // namespace ttfm::nn
