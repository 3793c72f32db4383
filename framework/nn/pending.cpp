// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/nn/pending.h>

#include "nn/fused.h"

namespace ttfm::nn {

template <Value V>
V Biased<V>::value() const {
  return bias.defined() ? y + bias : y;
}

template <Value V>
V Pending<V>::value() const {
  return fused(Product{}, *this, Tensor(), Tensor());
}

template struct Biased<Tensor>;
template struct Biased<Dual>;
template struct Pending<Tensor>;
template struct Pending<Dual>;

}  // namespace ttfm::nn
