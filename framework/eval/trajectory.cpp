// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/trajectory.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>

#include <vector>

#include <ttfm/flow/flow_map.h>
#include <ttfm/flow/interpolate.h>

#include "eval/metrics/distances.h"
#include "eval/rows.h"

namespace ttfm::eval {
namespace {

Call call_with(const Tensor& label) {
  Call call;
  call.label = label;
  return call;
}

/// Root mean square, over all samples, of `difference` of each batch.
template <class Difference>
double path_error(const PathPoints& points, int64_t batch, Difference difference) {
  const at::NoGradGuard no_grad;
  double sum = 0;
  for_batches(points.x_s.size(0), batch, [&](int64_t start, int64_t count) {
    const Tensor error = difference(rows_of(points.x_s, start, count), rows_of(points.s, start, count),
                                    rows_of(points.t, start, count), call_with(rows_of(points.label, start, count)));
    sum += value_of(flat_double(error).square().sum());
  });
  return root_mean_square(sum, points.x_s.size(0));
}

}  // namespace

Tensor compose(const FlowMap& phi, const Tensor& x_0, const Tensor& label, int64_t hops, int64_t batch) {
  const at::NoGradGuard no_grad;
  std::vector<Tensor> parts;
  for_batches(x_0.size(0), batch, [&](int64_t start, int64_t count) {
    const Call call = call_with(rows_of(label, start, count));
    const auto time = [&](int64_t k) {
      return at::full({count}, static_cast<double>(k) / static_cast<double>(hops), x_0.options());
    };
    Tensor x = rows_of(x_0, start, count);
    for (int64_t k = 0; k < hops; ++k) x = phi(x, time(k), time(k + 1), call);
    parts.push_back(x);
  });
  return at::cat(parts);
}

double composition_gap(const FlowMap& phi, const Tensor& x_0, const Tensor& label, int64_t hops, int64_t batch) {
  if (hops == 1) return 0;
  return rmse(compose(phi, x_0, label, 1, batch), compose(phi, x_0, label, hops, batch));
}

PathPoints draw_path(const Tensor& x_0, const Tensor& x_1, const Tensor& label, const Stream& stream) {
  check_same_shape("points of the data path", x_0, x_1);
  const auto draw = [&](const char* name) {
    return host_double(stream.child(name)).uniform({x_0.size(0)}).to(x_0.options());
  };
  const Tensor a = draw("first time"), b = draw("second time");
  PathPoints points;
  points.s = at::minimum(a, b);
  points.t = at::maximum(a, b);
  points.x_s = flow::interpolate(x_0, x_1, points.s);
  points.label = label;
  return points;
}

double initial_velocity_error(const FlowMap& student, const Field& teacher, const PathPoints& points, int64_t batch) {
  return path_error(points, batch, [&](const Tensor& x_s, const Tensor& s, const Tensor&, const Call& call) {
    return student.velocity(x_s, s, s, call) - teacher.velocity(x_s, s, call);
  });
}

double lagrangian_residual(const FlowMap& student, const Field& teacher, const PathPoints& points, int64_t batch) {
  return path_error(points, batch, [&](const Tensor& x_s, const Tensor& s, const Tensor& t, const Call& call) {
    const Dual u = flow::time_derivative(student, x_s, s, t, call);
    const Tensor phi = flow::advance(x_s, s, t, u.primal);
    return flow::terminal_velocity(u, s, t) - teacher.velocity(phi, t, call);
  });
}

}  // namespace ttfm::eval
