// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/conformance/student_checks.h>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ttfm/conformance/numbers.h>

namespace ttfm::conformance {
namespace {

// Small enough for the fastest time features (w h near 1e-2), large enough for rounding (1e-16/h).
constexpr double kStep = 1e-4;

Tensor over_rows(const Tensor& times, const Tensor& x) {
  std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
  shape[0] = times.size(0);
  return times.view(shape);
}

StudentInputs moved(const StudentInputs& at, const Direction& direction, double h) {
  StudentInputs result = at;
  if (direction.dx.defined()) result.x = at.x + h * direction.dx;
  if (direction.ds.defined()) result.s = at.s + h * direction.ds;
  if (direction.dt.defined()) result.t = at.t + h * direction.dt;
  return result;
}

Tensor velocity(const Student& student, const StudentInputs& at) { return student.velocity(at.x, at.s, at.t, at.call); }

// f'(0) = (8 (f(h) - f(-h)) - (f(2h) - f(-2h))) / 12h + O(h^4)
template <class Function>
auto derivative_at_zero(const Function& f, double h) {
  const auto near = f(h) - f(-h);
  const auto far = f(2 * h) - f(-2 * h);
  return (8 * near - far) / (12 * h);
}

StudentInputs rows_of(const StudentInputs& at, int64_t first, int64_t count) {
  StudentInputs part = at;
  part.x = at.x.narrow(0, first, count);
  part.s = at.s.narrow(0, first, count);
  part.t = at.t.narrow(0, first, count);
  if (at.call.label.defined()) part.call.label = at.call.label.narrow(0, first, count);
  return part;
}

}  // namespace

StudentInputs student_inputs(uint64_t seed, int64_t batch, at::IntArrayRef shape, int64_t classes) {
  const Stream numbers = stream(seed, c10::ScalarType::Double);
  std::vector<int64_t> sizes{batch};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  StudentInputs inputs;
  inputs.x = numbers.child("x").normal(sizes);
  inputs.s = numbers.child("s").uniform({batch}) * 0.9 + 0.05;
  inputs.t = numbers.child("t").uniform({batch}) * 0.9 + 0.05;
  if (classes) inputs.call.label = numbers.child("label").integers({batch}, classes + 1);
  return inputs;
}

Direction student_direction(uint64_t seed, const StudentInputs& at) {
  const Stream numbers = stream(seed, c10::ScalarType::Double);
  return {numbers.child("dx").normal(at.x.sizes()), numbers.child("ds").normal(at.s.sizes()),
          numbers.child("dt").normal(at.t.sizes())};
}

Direction along_t(const StudentInputs& at) { return {.dt = at::ones_like(at.t)}; }

Dual dual_velocity(const Student& student, const StudentInputs& at, const Direction& direction) {
  return student.velocity_dual({at.x, direction.dx}, {at.s, direction.ds}, {at.t, direction.dt}, at.call);
}

Tensor central_difference(const Student& student, const StudentInputs& at, const Direction& direction) {
  const at::NoGradGuard no_grad;
  return derivative_at_zero([&](double h) { return velocity(student, moved(at, direction, h)); }, kStep);
}

double dual_error(const Student& student, const StudentInputs& at, const Direction& direction) {
  const at::NoGradGuard no_grad;
  const Dual u = dual_velocity(student, at, direction);
  if (!u.tangent.defined()) return std::numeric_limits<double>::infinity();
  return std::max(relative_error(u.primal, velocity(student, at)),
                  relative_error(u.tangent, central_difference(student, at, direction)));
}

GradientError gradient_error(const Student& student, const CollectedParameters& weights, const StudentInputs& at,
                             const Direction& direction) {
  const Stream numbers = stream(2026, c10::ScalarType::Double);
  const Tensor target = numbers.child("target").normal(at.x.sizes());
  const auto loss = [&](const StudentInputs& here) {
    const Dual u = dual_velocity(student, here, direction);
    const Tensor residual = u.primal + over_rows(here.t - here.s, here.x) * u.tangent - target;
    return (residual * residual).mean();
  };

  StudentInputs recorded = at;
  recorded.x = at.x.detach().clone().requires_grad_();
  std::vector<std::string> names{"x"};
  std::vector<Tensor> leaves{recorded.x};
  for (const auto& weight : weights.trained()) {
    names.push_back(weight.name);
    leaves.push_back(weight.value->requires_grad_());
  }
  const std::vector<Tensor> gradients =
      torch::autograd::grad({loss(recorded)}, leaves, {}, std::nullopt, false, /*allow_unused=*/true);

  const at::NoGradGuard no_grad;
  std::vector<double> expected, found;
  for (size_t i = 0; i < leaves.size(); ++i) {
    if (!gradients[i].defined()) return {std::numeric_limits<double>::infinity(), names[i]};
    const Tensor original = leaves[i].detach().clone();
    const Tensor step = numbers.child(names[i]).normal(original.sizes());
    const auto loss_along = [&](double h) {
      leaves[i].copy_(original + h * step);
      return loss(recorded).item<double>();
    };
    expected.push_back(derivative_at_zero(loss_along, kStep));
    found.push_back((gradients[i] * step).sum().item<double>());
    leaves[i].copy_(original);
  }

  // a weight whose true gradient vanishes (the bias of attention's keys) is measured on the scale of the others
  double largest = 0;
  for (const double each : expected) largest = std::max(largest, std::abs(each));
  GradientError result;
  for (size_t i = 0; i < names.size(); ++i) {
    const double error = std::abs(found[i] - expected[i]) / std::max(std::abs(expected[i]), 1e-3 * largest);
    if (!(error <= result.error)) result = {error, names[i]};
  }
  for (const Tensor& leaf : leaves) leaf.requires_grad_(false);
  return result;
}

void expect_keeps_the_contract(const Student& student, const StudentInputs& at) {
  const at::NoGradGuard no_grad;
  const Tensor u = velocity(student, at);
  EXPECT_EQ(u.sizes(), at.x.sizes());
  EXPECT_EQ(u.scalar_type(), at.x.scalar_type());
  EXPECT_TRUE(u.isfinite().all().item<bool>());

  StudentInputs strided = at;
  strided.x = at.x.transpose(0, -1).contiguous().transpose(0, -1);
  EXPECT_LT(relative_error(velocity(student, strided), u), 1e-12) << "x with strides " << strided.x.strides();

  for (int64_t row = 0; row < at.x.size(0); ++row) {
    const Tensor alone = velocity(student, rows_of(at, row, 1));
    EXPECT_LT(relative_error(alone, u.narrow(0, row, 1)), 1e-12) << "row " << row << " as a batch of one";
  }
}

void expect_knows_labels(const Student& student, const StudentInputs& at, int64_t classes) {
  const at::NoGradGuard no_grad;
  const auto labelled = [&](int64_t label) {
    StudentInputs inputs = at;
    inputs.call.label = at::full_like(at.s, label, at.s.options().dtype(at::kLong));
    return velocity(student, inputs);
  };
  StudentInputs unlabelled = at;
  unlabelled.call.label = Tensor();

  EXPECT_EQ(max_difference(labelled(classes), velocity(student, unlabelled)), 0);
  for (int64_t label = 0; label < classes; ++label) {
    EXPECT_GT(relative_error(labelled(label), labelled(label + 1)), 1e-3) << "labels " << label << " and " << label + 1;
  }
}

void expect_drops_consistently(const Student& student, const StudentInputs& at) {
  const at::NoGradGuard no_grad;
  const Stream first = stream(1, c10::ScalarType::Double), second = stream(2, c10::ScalarType::Double);
  StudentInputs dropped = at, dropped_otherwise = at;
  dropped.call.dropout = &first;
  dropped_otherwise.call.dropout = &second;

  NetworkTraits traits;
  student.traits(traits);

  EXPECT_TRUE(traits.dropout) << "without the trait the host hands no stream";
  EXPECT_EQ(max_difference(velocity(student, at), velocity(student, at)), 0);
  EXPECT_EQ(max_difference(velocity(student, dropped), velocity(student, dropped)), 0);
  EXPECT_GT(relative_error(velocity(student, dropped), velocity(student, at)), 1e-3);
  EXPECT_GT(relative_error(velocity(student, dropped), velocity(student, dropped_otherwise)), 1e-3);
  // differences of a network whose mask is fixed agree with the tangent only if it has the same mask
  EXPECT_LT(dual_error(student, dropped, student_direction(3, at)), 1e-6);
}

}  // namespace ttfm::conformance
