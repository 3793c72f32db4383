// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/reference_solver.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <vector>

#include <ttfm/error.h>

#include "eval/metrics/distances.h"
#include "eval/rows.h"

namespace ttfm::eval {
namespace {

constexpr double kFirstStep = 0.02;
constexpr double kSmallestStep = 1e-9;
constexpr double kErrorRatio = 10;  // of the two tolerances that give the error estimate
constexpr int kStages = 7;

// The tableau of Dormand and Prince. The last row is the solution of order 5, and the first stage of the next step.
constexpr std::array<double, kStages> kTimes = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
constexpr std::array<std::array<double, kStages - 1>, kStages> kStage = {{
    {},
    {1. / 5},
    {3. / 40, 9. / 40},
    {44. / 45, -56. / 15, 32. / 9},
    {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
    {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84},
}};
// Order 5 minus order 4.
constexpr std::array<double, kStages> kError = {71. / 57600,      0,         -71. / 16695, 71. / 1920,
                                                -17253. / 339200, 22. / 525, -1. / 40};

struct Endpoint {
  Tensor x_1;
  int64_t evaluations = 0;
};

/// One batch; every step looks at its error on the host.
class Solver {
 public:
  Solver(const Field& field, const Tensor& label, const ReferenceOptions& options) : field_(field), options_(options) {
    call_.label = label;
  }

  Endpoint solve(const Tensor& x_0) {
    Tensor x = x_0;
    double t = 0, h = kFirstStep;
    stages_[0] = velocity(x, t);
    while (t < 1) {
      if (options_.interrupt) options_.interrupt();
      const bool last = t + h >= 1 - kSmallestStep;
      if (last) h = 1 - t;
      const Tensor proposal = step(x, t, h);
      const double error = step_error(x, proposal, h);
      if (error <= 1) {
        x = proposal;
        t = last ? 1 : t + h;
        stages_[0] = stages_[kStages - 1];
      }
      // also false for NaN, which shrinks the step
      h *= error > 0 || error == 0 ? std::clamp(0.9 * std::pow(error, -0.2), 0.2, 5.0) : 0.2;
      if (t < 1 && (h < kSmallestStep || evaluations_ + kStages - 1 > options_.max_evaluations)) give_up(t, h, error);
    }
    return {x, evaluations_};
  }

 private:
  Tensor velocity(const Tensor& x, double t) {
    ++evaluations_;
    return field_.velocity(x, at::full({x.size(0)}, t, x.options()), call_);
  }

  Tensor step(const Tensor& x, double t, double h) {
    Tensor at_stage;
    for (size_t i = 1; i < kStages; ++i) {
      at_stage = x;
      for (size_t j = 0; j < i; ++j) {
        if (kStage[i][j] != 0) at_stage = at_stage.add(stages_[j], h * kStage[i][j]);
      }
      stages_[i] = velocity(at_stage, t + kTimes[i] * h);
    }
    return at_stage;
  }

  double step_error(const Tensor& x, const Tensor& proposal, double h) const {
    Tensor error = stages_[0] * (h * kError[0]);
    for (size_t i = 2; i < kStages; ++i) error = error.add(stages_[i], h * kError[i]);
    const Tensor scale =
        at::maximum(x.abs(), proposal.abs()) * options_.relative_tolerance + options_.absolute_tolerance;
    return std::sqrt(value_of(flat_double(error / scale).square().mean(1).max()));
  }

  [[noreturn]] void give_up(double t, double h, double error) const {
    std::ostringstream text;
    text << "reference solver: stopped at t = " << t << " after " << evaluations_ << " evaluations (at most "
         << options_.max_evaluations << ") with a step of " << h << " and an error of " << error << " tolerances; ";
    if (h < kSmallestStep) {
      text << "the velocity is not finite or not smooth there, or ";
    } else {
      text << "allow more evaluations, or ";
    }
    text << "the tolerance (absolute " << options_.absolute_tolerance << ", relative " << options_.relative_tolerance
         << ") is too tight for " << stages_[0].scalar_type();
    throw Error(ErrorKind::numeric, text.str());
  }

  const Field& field_;
  const ReferenceOptions& options_;
  Call call_;
  std::array<Tensor, kStages> stages_;
  int64_t evaluations_ = 0;
};

}  // namespace

ReferenceSolution solve_reference(const Field& field, const Tensor& x_0, const Tensor& label,
                                  const ReferenceOptions& options) {
  check_samples("reference solver", x_0, x_0, 1);
  const at::NoGradGuard no_grad;
  ReferenceSolution solution;
  std::vector<Tensor> parts;
  for_batches(x_0.size(0), options.batch, [&](int64_t start, int64_t count) {
    const Endpoint endpoint = Solver(field, rows_of(label, start, count), options).solve(rows_of(x_0, start, count));
    parts.push_back(endpoint.x_1);
    solution.evaluations = std::max(solution.evaluations, endpoint.evaluations);
  });

  ReferenceOptions loose = options;
  loose.absolute_tolerance *= kErrorRatio;
  loose.relative_tolerance *= kErrorRatio;
  solution.error_samples = parts[0].size(0);
  const Tensor first_label = rows_of(label, 0, solution.error_samples);
  const Tensor looser = Solver(field, first_label, loose).solve(rows_of(x_0, 0, solution.error_samples)).x_1;
  solution.error = rmse(parts[0], looser);
  solution.x_1 = at::cat(parts);
  return solution;
}

}  // namespace ttfm::eval
