// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/network.h>
#include <ttfm/parameters.h>

namespace ttfm {

/// A two-timed flow model by its average velocity u_{s,t}(x); the flow map is phi_{s,t}(x) = x + (t-s) u_{s,t}(x). (P)
///
/// u_{t,t}(x) is an instantaneous velocity, so a student trained on the diagonal s = t is a teacher. The host makes
/// several instances of a student from one configuration (the student, its copies, the teacher) and calls each from one
/// thread at a time. Most students derive from NetworkStudent (<ttfm/nn/network_student.h>), which writes both
/// velocities from one template.
class TTFM_API Student : public Interface {
 public:
  ~Student() override;

  /// Called once, after construction.
  virtual void traits(NetworkTraits& out) const;

  /// Names every weight. Called once, before anything below.
  virtual void parameters(ParameterSet& out);

  /// Sets every weight to its starting value, drawn from `stream` only.
  virtual void initialise(const Stream& stream);

  /// u_{s,t}(x).
  /// @param x [B, ...], the data's shape, in the weights' dtype, on their device
  /// @param s,t [B], 0 <= s <= t <= 1 (any order when the traits say so), x's dtype and device
  /// @param call labels, guidance and dropout, where the traits say that they are used
  /// @return x's shape, dtype and device; differentiable in the weights and, when the traits say so, in x
  virtual Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const;

  /// u_{s,t}(x) and its derivative along the tangents of x, s and t; both differentiable in the weights and in x.
  /// Called only when the traits say `dual`. The primal equals velocity() up to rounding.
  virtual Dual velocity_dual(const Dual& x, const Dual& s, const Dual& t, const Call& call) const;
};

}  // namespace ttfm
