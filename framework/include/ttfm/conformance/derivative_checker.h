// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ttfm/dual.h>

/// Checks a function of duals, in double: value, tangent, and the gradient of a function of both.
namespace ttfm::conformance {

/// A layer with what it is applied to. `plain` is the same layer on tensors; `weights` are those that both read.
struct DualSubject {
  std::function<Dual(const std::vector<Dual>&)> dual;       ///< the function under test
  std::function<Tensor(const std::vector<Tensor>&)> plain;  ///< the same on tensors
  std::vector<Dual> inputs;                                 ///< where it is tested, in double
  std::vector<Tensor*> weights;                             ///< what both read, in double
};

/// A subject out of one generic function, such as [&](const auto& in) { return layer(in[0]); }.
template <class F>
DualSubject subject(F f, std::vector<Dual> inputs, std::vector<Tensor*> weights = {}) {
  return {f, f, std::move(inputs), std::move(weights)};
}

/// Relative errors.
struct DualErrors {
  double value = 0;     ///< of the primal against `plain`
  double tangent = 0;   ///< of the tangent against central differences of `plain`, of 4th order
  double gradient = 0;  ///< the largest, of the gradients below
  std::string worst;    ///< and the tensor it belongs to: "input 0", "tangent 1", "weight 2"
};

/// Errors of value and tangent, and of the gradient of a random function of primal and tangent in every input, every
/// tangent and every weight, against central differences of that function along random directions.
DualErrors dual_errors(const DualSubject& subject);

/// The largest relative difference between `subject` and another way to compute the same: value, tangent, and every
/// element of the same gradients.
double difference(const DualSubject& subject, const std::function<Dual(const std::vector<Dual>&)>& other);

/// Expects all of dual_errors() to be small: value 1e-12, the rest 1e-7.
void expect_right_derivatives(const DualSubject& subject);

/// Also compares with `composite`, a plain spelling of value and derivative: 1e-10.
void expect_right_derivatives(const DualSubject& subject,
                              const std::function<Dual(const std::vector<Dual>&)>& composite);

}  // namespace ttfm::conformance
