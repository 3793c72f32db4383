// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "dopri5_sampler.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include <ttfm/error.h>
#include <ttfm/flow/interpolate.h>
#include <ttfm/flow/time_grid.h>

namespace ttfm::sampler {
namespace {

// Dormand, Prince 1980, J. Comput. Appl. Math. 6, table 2: RK5(4)7M. Row i of kA makes the input of stage i+2; the last
// row is the step itself, so that its stage is the first of the next step.
constexpr size_t kStages = 7;
constexpr std::array<double, kStages> kC = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
constexpr double kA[kStages - 1][kStages - 1] = {{1. / 5},
                                                 {3. / 40, 9. / 40},
                                                 {44. / 45, -56. / 15, 32. / 9},
                                                 {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                                                 {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                                                 {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}};
// order 5 minus order 4
constexpr std::array<double, kStages> kE = {71. / 57600,      0,         -71. / 16695, 71. / 1920,
                                            -17253. / 339200, 22. / 525, -1. / 40};

/// x + h sum_j weights_j k_j
Tensor combine(const Tensor& x, double h, const double* weights, const std::array<Tensor, kStages>& k, size_t count) {
  Tensor sum = x;
  for (size_t j = 0; j < count; ++j) {
    if (weights[j] != 0) sum = sum + (h * weights[j]) * k[j];
  }
  return sum;
}

}  // namespace

void Dopri5Sampler::traits(SamplerTraits& out) const {
  out.field = true;
  out.adaptive = true;
}

/// Dormand-Prince 5(4) with local extrapolation and a step that is the same for all rows; the next step is
///   h min(5, max(0.2, 0.9 e^(-1/5))),   e: error of the step in units of the tolerance, accepted where e <= 1
/// Source: Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, section II.4.
void Dopri5Sampler::sample(const SampleInputs& in, const SampleResult& out) const {
  const Field& v = *in.field();
  int64_t left = in.evaluations();
  double t = 0;
  const auto velocity = [&](const Tensor& x, double time) {
    if (left-- == 0) {
      std::ostringstream text;
      text << "dopri5: " << in.evaluations() << " evaluations of the teacher reach only t = " << t
           << " at rtol = " << options_.rtol << " and atol = " << options_.atol
           << "; allow more evaluations or larger tolerances";
      throw Error(ErrorKind::numeric, text.str());
    }
    return v.velocity(x, flow::time_like(x, time), in.call());
  };

  Tensor x = in.x_0();
  out.point(0, x);
  std::array<Tensor, kStages> k;
  k[0] = velocity(x, 0);
  double h = first_step(x, k[0]);
  while (t < 1) {
    const bool last = t + 1.01 * h >= 1;  // no tiny step is left over
    if (last) h = 1 - t;
    Tensor next;
    for (size_t stage = 1; stage < kStages; ++stage) {
      next = combine(x, h, kA[stage - 1], k, stage);
      k[stage] = velocity(next, last && kC[stage] == 1 ? 1 : t + kC[stage] * h);
    }
    const double error = scaled_norm(combine(at::zeros_like(x), h, kE.data(), k, kStages), x, next);
    if (!std::isfinite(error)) {
      std::ostringstream text;
      text << "dopri5: the teacher's velocity is not finite near t = " << t;
      throw Error(ErrorKind::numeric, text.str());
    }
    const double factor = std::clamp(0.9 * std::pow(error, -0.2), 0.2, 5.0);
    if (error <= 1) {
      t = last ? 1 : t + h;
      x = next;
      k[0] = k[kStages - 1];
      out.point(t, x);
    }
    h *= factor;
  }
}

/// The largest over the rows of the root mean square of error / (atol + rtol max(|x|, |y|)): every sample meets the
/// tolerance, whatever it shares its batch with. Waits for the device.
double Dopri5Sampler::scaled_norm(const Tensor& error, const Tensor& x, const Tensor& y) const {
  const Tensor scale = options_.atol + options_.rtol * at::maximum(x.abs(), y.abs());
  return flow::row_mean((error / scale).square()).max().sqrt().item<double>();
}

/// A first step whose Euler step changes the state by about a hundredth of itself, or of the tolerance's scale.
double Dopri5Sampler::first_step(const Tensor& x, const Tensor& k_1) const {
  const double size = scaled_norm(x, x, x), speed = scaled_norm(k_1, x, x);
  return size < 1e-5 || speed < 1e-5 ? 1e-3 : std::min(0.01 * size / speed, 1.0);
}

}  // namespace ttfm::sampler
