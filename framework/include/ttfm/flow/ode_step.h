// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/field.h>
#include <ttfm/flow/interpolate.h>

/// One explicit Runge-Kutta step of dx/dt = v_t(x) from time r to time t, as its mean velocity: advance(x_r, r, t, vbar)
/// is the state at t. With h = t - r for each row; rows with h = 0 give v_r(x_r).
///
/// `v_r` is v_r(x_r) where the caller has it already; left undefined it is evaluated here. Classical formulas: Hairer,
/// Norsett, Wanner, Solving Ordinary Differential Equations I, section II.1.
namespace ttfm::flow {

/// How one step of an ODE is made.
enum class Integrator : uint32_t {
  heun = 0,   ///< order 2, two evaluations
  euler = 1,  ///< order 1, one evaluation
  rk4 = 2     ///< order 4, four evaluations
};

/// vbar = v_r(x_r);  order 1, one evaluation
inline Tensor mean_velocity_euler(const Field& v, const Tensor& x_r, const Tensor& r, const Tensor& /*t*/,
                                  const Call& call, const Tensor& v_r = {}) {
  return v_r.defined() ? v_r : v.velocity(x_r, r, call);
}

/// vbar = (k_1 + k_2)/2,  k_1 = v_r(x_r),  k_2 = v_t(x_r + h k_1);  order 2, two evaluations
inline Tensor mean_velocity_heun(const Field& v, const Tensor& x_r, const Tensor& r, const Tensor& t, const Call& call,
                                 const Tensor& v_r = {}) {
  const Tensor k_1 = v_r.defined() ? v_r : v.velocity(x_r, r, call);
  const Tensor k_2 = v.velocity(advance(x_r, r, t, k_1), t, call);
  return (k_1 + k_2) / 2;
}

/// vbar = (k_1 + 2 k_2 + 2 k_3 + k_4)/6,  k_1 = v_r(x_r),  k_2 = v_m(x_r + h k_1/2),  k_3 = v_m(x_r + h k_2/2),
///        k_4 = v_t(x_r + h k_3),  m = (r+t)/2;  order 4, four evaluations
inline Tensor mean_velocity_rk4(const Field& v, const Tensor& x_r, const Tensor& r, const Tensor& t, const Call& call,
                                const Tensor& v_r = {}) {
  const Tensor m = (r + t) / 2;
  const Tensor k_1 = v_r.defined() ? v_r : v.velocity(x_r, r, call);
  const Tensor k_2 = v.velocity(advance(x_r, r, m, k_1), m, call);
  const Tensor k_3 = v.velocity(advance(x_r, r, m, k_2), m, call);
  const Tensor k_4 = v.velocity(advance(x_r, r, t, k_3), t, call);
  return (k_1 + 2 * k_2 + 2 * k_3 + k_4) / 6;
}

/// The mean velocity of the step that `integrator` makes.
inline Tensor mean_velocity(Integrator integrator, const Field& v, const Tensor& x_r, const Tensor& r, const Tensor& t,
                            const Call& call, const Tensor& v_r = {}) {
  switch (integrator) {
    case Integrator::euler:
      return mean_velocity_euler(v, x_r, r, t, call, v_r);
    case Integrator::rk4:
      return mean_velocity_rk4(v, x_r, r, t, call, v_r);
    case Integrator::heun:
      break;
  }
  return mean_velocity_heun(v, x_r, r, t, call, v_r);
}

}  // namespace ttfm::flow
