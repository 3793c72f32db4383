// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/network.h>
#include <ttfm/parameters.h>

namespace ttfm {

/// An instantaneous velocity v_t(x) whose ODE dx/dt = v_t(x) carries noise (t = 0) to data (t = 1). (P)
///
/// Guidance, counting and the stop of gradients into the weights are the host's. Called from one thread at a time.
class TTFM_API Teacher : public Interface {
 public:
  ~Teacher() override;

  /// Called once, after construction; `out` has its defaults.
  virtual void traits(NetworkTraits& out) const;

  /// Names the teacher's own weights; empty for exact teachers. A nested student's weights are named by the host.
  virtual void parameters(ParameterSet& out);

  /// v_t(x).
  /// @param x [B, ...], floating point
  /// @param t [B], in [0, 1], x's dtype and device
  /// @param call labels, guidance and dropout, where the traits say that they are used
  /// @return x's shape, dtype and device; differentiable in x when the traits say so
  virtual Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const;
};

/// The exact flow map of a teacher, behind interface_id::kExactMap. (P)
class TTFM_API ExactMap {
 public:
  virtual ~ExactMap();

  /// The average velocity u_{s,t}(x) with phi_{s,t}(x) = x + (t-s) u_{s,t}(x) exact; also at s = t, where it is v_t(x).
  virtual Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t) const = 0;
};

/// An exact density of data, behind interface_id::kDensity. (P)
class TTFM_API Density {
 public:
  virtual ~Density();

  /// log p(x) for each row of x [B, ...]: [B], x's dtype and device; -inf outside of the support.
  virtual Tensor log_density(const Tensor& x) const = 0;
};

}  // namespace ttfm
