// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include <ttfm/conformance/parameters.h>
#include <ttfm/dual.h>
#include <ttfm/student.h>

/// What every student owes its callers, as a few functions: a student's own test picks a small network and calls them.
namespace ttfm::conformance {

/// A batch of arguments of a student, in double.
struct StudentInputs {
  Tensor x,   /**< [batch, ...] */
      s,      /**< [batch] */
      t;      ///< [batch]
  Call call;  ///< with labels, if there are any
};

/// Normal x, uniform times in no particular order, and labels in [0, classes] (the last means none) if there are any.
StudentInputs student_inputs(uint64_t seed, int64_t batch, at::IntArrayRef shape, int64_t classes = 0);

/// A random direction in x, s and t.
Direction student_direction(uint64_t seed, const StudentInputs& at);

/// The direction of the Lagrangian term: along t alone.
Direction along_t(const StudentInputs& at);

/// u_{s,t}(x) and its derivative by Student::velocity_dual.
Dual dual_velocity(const Student& student, const StudentInputs& at, const Direction& direction);

/// The derivative of Student::velocity along `direction`, by central differences of 4th order.
Tensor central_difference(const Student& student, const StudentInputs& at, const Direction& direction);

/// The larger of two relative errors: velocity_dual's primal against velocity, its tangent against central_difference.
double dual_error(const Student& student, const StudentInputs& at, const Direction& direction);

/// Of gradient_error().
struct GradientError {
  double error = 0;   ///< the largest, relative to the weight's own gradient
  std::string worst;  ///< the weight it belongs to; "x" for the input
};

/// The gradient of mean |u + (t-s) du - a|^2, a loss of LFMD's form with a random a, in each trained weight and in x
/// against central differences along a random direction of that weight alone. A weight that no gradient reaches has an
/// infinite error.
GradientError gradient_error(const Student& student, const CollectedParameters& weights, const StudentInputs& at,
                             const Direction& direction);

/// Shape, dtype, a batch of one, x as a view with other strides, and rows that do not influence each other.
void expect_keeps_the_contract(const Student& student, const StudentInputs& at);

/// A label matters, and the label `classes` is the same as none. x, s and t of `at` are used with labels of its own.
void expect_knows_labels(const Student& student, const StudentInputs& at, int64_t classes);

/// Dropout: the traits say it, evaluation repeats itself, one stream gives one mask for velocity, primal and tangent,
/// another stream another.
void expect_drops_consistently(const Student& student, const StudentInputs& at);

}  // namespace ttfm::conformance
