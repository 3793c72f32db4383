// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <concepts>
#include <utility>

#include <ttfm/nn/module.h>
#include <ttfm/student.h>

namespace ttfm::nn {

/// A student out of a network that is written once. `Net` has
///
///     template <nn::Value V> V forward(const V& x, const V& s, const V& t, const Call& call) const;
///     void parameters(const nn::Scope& scope);        // names every weight and how it starts
///     void traits(NetworkTraits& out) const;          // optional: what differs from `dual` and `x_gradient`
template <class Net>
class NetworkStudent : public Student {
 public:
  /// Makes the network of these arguments.
  template <class... Args>
  requires std::constructible_from<Net, Args...>
  explicit NetworkStudent(Args&&... args) : net_(std::forward<Args>(args)...) {}

  void traits(NetworkTraits& out) const override {
    out.dual = true;
    out.x_gradient = true;
    if constexpr (requires { net_.traits(out); }) net_.traits(out);
  }
  void parameters(ParameterSet& out) override { net_.parameters(Scope(out)); }
  void initialise(const Stream& stream) override { net_.parameters(Scope(stream)); }

  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const override {
    return net_.forward(x, s, t, call);
  }
  Dual velocity_dual(const Dual& x, const Dual& s, const Dual& t, const Call& call) const override {
    return net_.forward(x, s, t, call);
  }

  const Net& net() const { return net_; }  ///< the network itself

 private:
  Net net_;
};

}  // namespace ttfm::nn
