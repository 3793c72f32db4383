// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <memory>
#include <mutex>

#include <ttfm/interface.h>

namespace ttfm {

/// A copy of a flat tensor of weights in 16 bits, found by weight_in() while this object lives. It follows the weights: a
/// copy that is older than they are is made anew when it is asked for.
class TTFM_API ShadowWeights {
 public:
  /// `values` is contiguous; weights are views of it.
  ShadowWeights(const Tensor& values, at::ScalarType type);
  ~ShadowWeights();
  ShadowWeights(const ShadowWeights&) = delete;
  ShadowWeights& operator=(const ShadowWeights&) = delete;

  /// The copy, for who changes the weights and writes both at once. Say current() then.
  const Tensor& values() const { return shadow_; }
  void current();

 private:
  friend Tensor weight_in(const Tensor& weight, at::ScalarType type);
  bool holds(const Tensor& weight, at::ScalarType type) const;
  Tensor view_for(const Tensor& weight);

  Tensor original_, shadow_;
  uint32_t version_;
  std::mutex mutex_;
};

}  // namespace ttfm
