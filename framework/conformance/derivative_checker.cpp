// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/conformance/derivative_checker.h>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <ttfm/conformance/numbers.h>

namespace ttfm::conformance {
namespace {

constexpr double kStep = 1e-3;
constexpr int kProbes = 4;

Tensor random_like(const Tensor& x, uint64_t seed) {
  return x.dim() == 0 ? stream(seed, at::kDouble).normal({1}).view({}) : stream(seed, at::kDouble).normal(x.sizes());
}

Tensor or_zeros(const Tensor& x, const Tensor& like) { return x.defined() ? x : at::zeros_like(like); }

/// f'(0) by central differences, f scalar or tensor; the error is h^4 f^(5) / 30.
template <class F>
auto central_difference(F f) {
  return (8.0 * (f(kStep) - f(-kStep)) - (f(2 * kStep) - f(-2 * kStep))) / (12 * kStep);
}

/// A function of value and tangent that mixes them.
Tensor scalar_of(const Dual& y) {
  const Tensor t = or_zeros(y.tangent, y.primal);
  return (random_like(y.primal, 101) * y.primal).sum() + (random_like(y.primal, 102) * t).sum() +
         (random_like(y.primal, 103) * y.primal * t).sum();
}

/// Inputs and tangents as separate leaves that keep their layout.
std::vector<Dual> leaves_of(const std::vector<Dual>& inputs) {
  std::vector<Dual> leaves;
  for (const Dual& x : inputs) {
    Dual leaf{x.primal.detach(), x.tangent.defined() ? x.tangent.detach() : Tensor()};
    leaf.primal.requires_grad_();
    if (leaf.tangent.defined()) leaf.tangent.requires_grad_();
    leaves.push_back(leaf);
  }
  return leaves;
}

struct Result {
  Dual y;
  std::vector<std::string> names;
  std::vector<Tensor> at;         ///< where the gradients were taken
  std::vector<Tensor> gradients;  ///< zeros where a tensor has no influence
};

Result differentiate(const DualSubject& subject, const std::function<Dual(const std::vector<Dual>&)>& function) {
  Result result;
  const std::vector<Dual> leaves = leaves_of(subject.inputs);
  for (size_t i = 0; i < leaves.size(); ++i) {
    result.names.push_back("input " + std::to_string(i));
    result.at.push_back(leaves[i].primal);
    if (!leaves[i].tangent.defined()) continue;
    result.names.push_back("tangent " + std::to_string(i));
    result.at.push_back(leaves[i].tangent);
  }
  for (size_t i = 0; i < subject.weights.size(); ++i) {
    result.names.push_back("weight " + std::to_string(i));
    subject.weights[i]->requires_grad_();
    result.at.push_back(*subject.weights[i]);
  }

  result.y = function(leaves);
  result.gradients = torch::autograd::grad({scalar_of(result.y)}, result.at, {}, std::nullopt, false, true);
  for (size_t i = 0; i < result.at.size(); ++i) {
    result.gradients[i] = or_zeros(result.gradients[i], result.at[i]).detach();
  }
  return result;
}

/// The derivative of the scalar along `direction` of the i-th tensor of `at`, in the order of differentiate().
double slope(const DualSubject& subject, size_t which, const Tensor& direction) {
  at::NoGradGuard no_grad;
  const auto scalar_at = [&](double h) {
    size_t i = 0;
    const auto shifted = [&](const Tensor& x) { return i++ == which ? x + h * direction : x; };
    std::vector<Dual> inputs;
    for (const Dual& x : subject.inputs) {
      const Tensor primal = shifted(x.primal);
      inputs.push_back({primal, x.tangent.defined() ? shifted(x.tangent) : Tensor()});
    }
    Tensor* weight = which >= i ? subject.weights[which - i] : nullptr;
    const Tensor before = weight != nullptr ? weight->clone() : Tensor();
    if (weight != nullptr) weight->add_(direction, h);
    const double scalar = scalar_of(subject.dual(inputs)).item<double>();
    if (weight != nullptr) weight->copy_(before);
    return scalar;
  };
  return central_difference(scalar_at);
}

/// |a - b| / |b|, where a b that is all but zero counts as zero against numbers of order one.
double error_of(const Tensor& a, const Tensor& b) {
  const double size = std::max(b.norm().item<double>(), 1e-3 * std::sqrt(static_cast<double>(b.numel())));
  return a.sizes() == b.sizes() ? (a - b).norm().item<double>() / size : std::numeric_limits<double>::infinity();
}

}  // namespace

DualErrors dual_errors(const DualSubject& subject) {
  DualErrors errors;
  const Result result = differentiate(subject, subject.dual);

  const auto plain_at = [&](double h) {
    at::NoGradGuard no_grad;
    std::vector<Tensor> inputs;
    for (const Dual& x : subject.inputs) inputs.push_back(x.tangent.defined() ? x.primal + h * x.tangent : x.primal);
    return subject.plain(inputs);
  };
  errors.value = error_of(result.y.primal, plain_at(0));
  errors.tangent = error_of(or_zeros(result.y.tangent, result.y.primal), central_difference(plain_at));

  for (size_t i = 0; i < result.at.size(); ++i) {
    double squares = 0, reference = 0;
    for (int probe = 0; probe < kProbes; ++probe) {
      const Tensor direction = random_like(result.at[i], 1000 + 10 * i + static_cast<uint64_t>(probe));
      const double expected = slope(subject, i, direction);
      const double got = (result.gradients[i] * direction).sum().item<double>();
      squares += (got - expected) * (got - expected);
      reference += expected * expected;
    }
    const double error = std::sqrt(squares / std::max(reference, 1e-6));
    if (error > errors.gradient || std::isnan(error)) {
      errors.gradient = error;
      errors.worst = result.names[i];
    }
  }
  return errors;
}

double difference(const DualSubject& subject, const std::function<Dual(const std::vector<Dual>&)>& other) {
  const Result a = differentiate(subject, subject.dual);
  const Result b = differentiate(subject, other);
  double largest = std::max(error_of(a.y.primal, b.y.primal),
                            error_of(or_zeros(a.y.tangent, a.y.primal), or_zeros(b.y.tangent, b.y.primal)));
  for (size_t i = 0; i < a.gradients.size(); ++i) largest = std::max(largest, error_of(a.gradients[i], b.gradients[i]));
  return largest;
}

void expect_right_derivatives(const DualSubject& subject) {
  const DualErrors errors = dual_errors(subject);
  EXPECT_LT(errors.value, 1e-12);
  EXPECT_LT(errors.tangent, 1e-7);
  EXPECT_LT(errors.gradient, 1e-7) << "in " << errors.worst;
}

void expect_right_derivatives(const DualSubject& subject,
                              const std::function<Dual(const std::vector<Dual>&)>& composite) {
  expect_right_derivatives(subject);
  EXPECT_LT(difference(subject, composite), 1e-10);
}

}  // namespace ttfm::conformance
