// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <array>
#include <cstddef>

#include <ttfm/network.h>

namespace ttfm {

/// An instantaneous velocity field v_t(x), as losses and samplers see it: guidance, labels, the counting of evaluations
/// and differences of version are behind it. No gradient ever reaches its weights; gradients in x flow where grad mode
/// is on. (H)
class TTFM_API Field final {
 public:
  /// v_t(x): x [B, ...], t [B], the result like x.
  Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const;

  void traits(NetworkTraits& out) const;  ///< what the network can do, as the component said it

  struct Impl;
  explicit Field(const Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  const Impl* impl_;
};

/// One evaluation of a FlowMap. (S, frozen: arrays of it are passed)
struct Query {
  Tensor x;                    ///< [B, ...]
  Tensor s;                    ///< [B]
  Tensor t;                    ///< [B]
  const Call* call = nullptr;  ///< null: no label, no guidance, no dropout
};

/// A two-timed flow model as losses and samplers see it: the student, a copy of it, or an exact map. (H)
///
/// Copies, and what stopped() returns, record no gradient into weights or inputs.
class TTFM_API FlowMap final {
 public:
  /// u_{s,t}(x): x [B, ...], s and t [B], the result like x.
  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const;

  /// phi_{s,t}(x) = x + (t-s) u_{s,t}(x).
  Tensor operator()(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const;

  /// u_{s,t}(x) and its derivative along `direction`; both differentiable in the weights and in x. A student without a
  /// dual forward is differentiated by central differences, and the host warns once.
  Dual derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                  const Call& call) const;

  /// u for several queries, in one stacked batch where that is faster. out[i] belongs to queries[i].
  void velocities(const Query* queries, size_t count, Tensor* out) const;

  /// The same for an array: `const auto [a, b] = map.velocities({{x, s, t, &call}, {x, s, s, &call}});`
  template <size_t N>
  std::array<Tensor, N> velocities(const Query (&queries)[N]) const {
    std::array<Tensor, N> out;
    velocities(queries, N, out.data());
    return out;
  }

  /// The instantaneous velocity on the diagonal, v_t(x) = u_{t,t}(x), recording no gradient.
  Field diagonal() const;

  /// The same weights, recording no gradient.
  FlowMap stopped() const;

  void traits(NetworkTraits& out) const;  ///< what the network can do, as the component said it

  struct Impl;
  explicit FlowMap(const Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  const Impl* impl_;
};

}  // namespace ttfm
