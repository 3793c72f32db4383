// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>

#include <vector>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/flow/gaussian.h>
#include <ttfm/flow/interpolate.h>

/// The exact case that losses, samplers and metrics are checked against: one Gaussian far from the noise in place and in
/// scale, in double.
namespace ttfm::conformance {

inline constexpr double kSigma = 0.3;  ///< of the exact case

/// N(m, sigma^2 I) with m = (1.5, -0.7, 1.5, -0.7, ...) in the given shape.
inline flow::Gaussian oracle(at::IntArrayRef sample = {2}) {
  Tensor mean = at::empty(sample, at::TensorOptions().dtype(at::kDouble));
  for (int64_t i = 0; i < mean.numel(); ++i) mean.mutable_data_ptr<double>()[i] = i % 2 ? -0.7 : 1.5;
  return {mean, kSigma};
}

/// [count, sample...]
inline std::vector<int64_t> batch_of(int64_t count, at::IntArrayRef sample) {
  std::vector<int64_t> shape = {count};
  shape.insert(shape.end(), sample.begin(), sample.end());
  return shape;
}

/// Standard normal noise.
inline Tensor noise(int64_t count, at::IntArrayRef sample, uint64_t seed = 3) {
  return stream(seed, at::kDouble).child("x_0").normal(batch_of(count, sample));
}

/// Data of the Gaussian.
inline Tensor data(const flow::Gaussian& of, int64_t count, at::IntArrayRef sample, uint64_t seed = 3) {
  return of.mean + of.sigma * stream(seed, at::kDouble).child("x_1").normal(batch_of(count, sample));
}

/// Times, one for all rows.
inline Tensor times(int64_t count, double t) { return at::full({count}, t, at::TensorOptions().dtype(at::kDouble)); }

/// The exact teacher.
inline TestField exact_field(const flow::Gaussian& of) {
  return TestField([of](const Tensor& x, const Tensor& t, const Call&) { return of.velocity(x, t); });
}

/// What a loss needs in the exact case: the exact teacher, and an exact student and its copy with errors of the given
/// scales, 0 for none.
struct OracleCase {
  flow::Gaussian exact;                     ///< oracle()
  PerturbedStudent student,                 /**< with its error */
      target;                               ///< the copy, with an error of its own
  TestMap student_map,                      /**< of `student` */
      target_map;                           ///< of `target`, records no gradient
  bool teacher_input_has_gradient = false;  ///< of the teacher's last call
  TestField teacher;                        ///< of `exact`
  LossSetup setup;                          ///< for compute()

  /// `sample` is the shape of one sample; a scale of 0 is no error.
  OracleCase(int64_t batch, at::IntArrayRef sample, double student_scale, double target_scale)
      : exact(oracle(sample)),
        student(exact, sample, student_scale, 1),
        target(exact, sample, target_scale, 2),
        student_map(student.map()),
        target_map(target.map(/*copy=*/true)),
        teacher([this](const Tensor& x, const Tensor& t, const Call&) {
          teacher_input_has_gradient = x.requires_grad();
          return exact.velocity(x, t);
        }) {
    setup.x_0 = noise(batch, sample);
    setup.x_1 = data(exact, batch, sample);
    setup.student = &student_map.facade();
    setup.teacher = &teacher.facade();
    setup.copies = {&target_map.facade()};
  }
  OracleCase(const OracleCase&) = delete;  // the teacher points back
  OracleCase& operator=(const OracleCase&) = delete;

  /// The point on the path at the time s that the loss recorded.
  Tensor x_s(const LossOutcome& outcome) const {
    return flow::interpolate(setup.x_0, setup.x_1, outcome.records.at("s"));
  }
};

/// d f / d p by central differences of order 4, for a scalar function of a parameter that `f` reads.
template <class Function>
Tensor difference_gradient(const Tensor& parameter, Function f, double step = 1e-3) {
  const Tensor place = parameter.detach();  // the same storage
  Tensor out = at::empty_like(place);
  double* const p = place.mutable_data_ptr<double>();
  for (int64_t i = 0; i < place.numel(); ++i) {
    const double at = p[i];
    const auto value = [&](double offset) {
      p[i] = at + offset;
      const double result = f();
      p[i] = at;
      return result;
    };
    out.mutable_data_ptr<double>()[i] =
        (8 * (value(step) - value(-step)) - (value(2 * step) - value(-2 * step))) / (12 * step);
  }
  return out;
}

}  // namespace ttfm::conformance
