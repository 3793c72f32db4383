// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include <ttfm/field.h>

namespace ttfm::eval {

struct ReferenceOptions {
  double absolute_tolerance = 1e-5;
  double relative_tolerance = 1e-5;
  int64_t max_evaluations = 2000;        ///< for each batch
  int64_t batch = 256;                   ///< rows that share their steps
  std::function<void()> interrupt = {};  ///< called before each step; what it throws ends the solution; may be empty
};

struct ReferenceSolution {
  at::Tensor x_1;             ///< like x_0
  int64_t evaluations = 0;    ///< network evaluations for one sample, of the batch that took most
  double error = 0;           ///< estimate of its own RMSE, see solve_reference
  int64_t error_samples = 0;  ///< rows that the estimate looked at
};

/// The endpoint phi_{0,1}(x_0) of a field's ODE dx/dt = v_t(x), t from 0 to 1: what every distance between teacher and
/// student is measured against. Dormand-Prince 5(4) with local extrapolation and a step that a batch shares:
///
///   err = max over rows of sqrt( mean over elements of (e / (atol + rtol max(|x|, |x'|)))^2 ) <= 1
///   h' = h clamp(0.9 err^(-1/5), 0.2, 5)
///
/// where e is the difference of the two embedded solutions. The error estimate is the RMSE, over the first batch,
/// between the endpoint and a second solution at ten times the tolerance: since the error of the endpoint follows the
/// tolerance, this is the error of the looser solution and bounds that of the tighter one from above.
///
/// x_0: [N, ...]; label: int64 [N] or undefined. Records no gradient. Throws ttfm::Error (numeric) if a batch needs more
/// than max_evaluations, or a step gets too small because the velocity is not finite or not smooth.
///
/// Source: Dormand, Prince, J. Comp. Appl. Math. 6, 1980; step control: Hairer, Norsett, Wanner, Solving Ordinary
/// Differential Equations I, section II.4.
ReferenceSolution solve_reference(const Field& field, const at::Tensor& x_0, const at::Tensor& label,
                                  const ReferenceOptions& options = {});

}  // namespace ttfm::eval
