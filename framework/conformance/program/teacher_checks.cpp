// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include <ttfm/conformance/numbers.h>
#include <ttfm/conformance/student_checks.h>
#include <ttfm/flow/interpolate.h>

#include "conformance/program/catalogue.h"
#include "conformance/program/report.h"
#include "conformance/program/weights.h"

namespace ttfm::conformance {
namespace {

/// An instance, random weights if it has any of its own, and something to ask it.
struct TeacherCase {
  TeacherCase(const Subject& subject, const DataCase& data_, c10::ScalarType dtype = at::kDouble)
      : data(data_), teacher(subject.make<Teacher>(data_)) {
    teacher->traits(traits);
    weights = Weights::of([&](ParameterSet& set) { teacher->parameters(set); });
    if (weights.undefined().empty()) weights.randomise(5, dtype);
    at = student_inputs(7, 3, data.shape, traits.classes);
    at.x = at.x.to(dtype), at.s = (at.s * 0.5).to(dtype), at.t = (0.5 + at.t * 0.5).to(dtype);
  }

  Tensor velocity(const StudentInputs& in) const { return teacher->velocity(in.x, in.t, in.call); }
  Tensor velocity() const { return velocity(at); }

  std::string trouble() const {
    const at::NoGradGuard no_grad;
    return thrown_by([&] {
      const Tensor v = velocity();
      if (v.sizes() != at.x.sizes() || v.scalar_type() != at.x.scalar_type())
        throw std::runtime_error("its result is not like x");
      if (!at::equal(v, velocity())) throw std::runtime_error("it does not repeat itself");
      if (at.x._version() + at.t._version() > 0) throw std::runtime_error("it writes to its inputs");
    });
  }

  DataCase data;
  host::Owned<Teacher> teacher;
  NetworkTraits traits;
  Weights weights;
  StudentInputs at;
};

using Body = void (*)(const std::string&, const Subject&, const DataCase&);

void for_each_case(const Subject& subject, Body check) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  for (const DataCase& data : subject.cases()) {
    if (!thrown_by([&] { subject.make<Teacher>(data); }).empty()) GTEST_SKIP() << "it cannot be constructed";
    check(subject.who() + " (" + data.text() + ")", subject, data);
  }
}

void gives_a_velocity_like_x(const std::string& who, const Subject& subject, const DataCase& data) {
  for (const c10::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const TeacherCase one(subject, data, dtype);
    const at::NoGradGuard no_grad;
    Tensor v;
    const std::string text = thrown_by([&] { v = one.velocity(); });
    ASSERT_EQ(text, "") << who << " fails for x and t of " << dtype_text(dtype) << ": compute in the dtype of x.";
    EXPECT_EQ(shape_text(v.sizes()), shape_text(one.at.x.sizes())) << who << ": the velocity must have x's shape.";
    EXPECT_EQ(dtype_text(v.scalar_type()), dtype_text(dtype))
        << who << ": the velocity must have x's dtype: give new tensors x.options(), and convert what is kept.";
    for (const double time : {0.0, 1.0}) {
      StudentInputs in = one.at;
      in.t = at::full({in.x.size(0)}, time, in.x.options());
      EXPECT_TRUE(one.velocity(in).isfinite().all().item<bool>())
          << who << ": the velocity is not finite at t = " << time << ", where samplers start or end.";
    }
  }
}

void names_its_weights_once(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  for (const std::string& name : one.weights.twice()) {
    ADD_FAILURE() << who << " names the weight '" << name << "' twice, or two names hold one weight.";
  }
  for (const std::string& name : one.weights.undefined()) {
    ADD_FAILURE() << who << ": the weight '" << name
                  << "' holds no tensor in parameters(): make it in the constructor.";
  }
}

void x_gradient_is_right(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  if (!one.traits.x_gradient) return;
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  constexpr double kStep = 1e-4;
  const Tensor factor = stream(31, at::kDouble).normal(one.at.x.sizes()),
               direction = stream(32, at::kDouble).normal(one.at.x.sizes());
  const auto scalar = [&](const Tensor& x) {
    StudentInputs in = one.at;
    in.x = x;
    return (factor * one.velocity(in)).sum();
  };
  const Tensor x = one.at.x.clone().requires_grad_();
  const Tensor value = scalar(x);
  const Tensor gradient =
      value.requires_grad() ? torch::autograd::grad({value}, {x}, {}, std::nullopt, false, true)[0] : Tensor();
  ASSERT_TRUE(gradient.defined())
      << who << ": no gradient reaches x: do not detach it, or say x_gradient = false in traits().";
  const at::NoGradGuard no_grad;
  const auto at = [&](double h) { return scalar(one.at.x + h * direction).item<double>(); };
  const double expected = (8 * (at(kStep) - at(-kStep)) - (at(2 * kStep) - at(-2 * kStep))) / (12 * kStep);
  const double found = (gradient * direction).sum().item<double>();
  EXPECT_LT(std::abs(found - expected), 1e-5 * std::max(1.0, std::abs(expected)))
      << who << ": the gradient in x differs from differences of the velocity.";
}

void takes_a_batch_of_one(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  const at::NoGradGuard no_grad;
  const Tensor v = one.velocity();
  StudentInputs in = one.at;
  in.x = one.at.x.narrow(0, 1, 1), in.t = one.at.t.narrow(0, 1, 1);
  if (in.call.label.defined()) in.call.label = one.at.call.label.narrow(0, 1, 1);
  Tensor alone;
  const std::string text = thrown_by([&] { alone = one.velocity(in); });
  ASSERT_EQ(text, "") << who << " fails for a batch of one.";
  if (!one.traits.stackable && alone.sizes() == in.x.sizes()) return;
  EXPECT_LT(relative_error(alone, v.narrow(0, 1, 1)), 1e-9)
      << who
      << ": a row's velocity depends on the other rows of the batch: say stackable = false in traits(), or take no "
         "statistic over the batch.";
}

void knows_its_labels(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  const int64_t classes = one.traits.classes;
  ASSERT_TRUE(classes == 0 || classes == data.classes)
      << who << ": traits() says " << classes << " classes; it must be the data's, or 0 for a field without labels.";
  if (classes == 0) return;
  const at::NoGradGuard no_grad;
  StudentInputs none = one.at, unlabelled = one.at;
  none.call.label = at::full({one.at.x.size(0)}, classes, at::kLong);
  unlabelled.call.label = Tensor();
  EXPECT_EQ(max_difference(one.velocity(none), one.velocity(unlabelled)), 0)
      << who << ": the label " << classes << " (none) and no label at all give different velocities.";
}

void repeats_itself(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  const at::NoGradGuard no_grad;
  Tensor first, second;
  const std::string text = thrown_by([&] { first = one.velocity(), second = one.velocity(); });
  if (!text.empty()) GTEST_SKIP() << text;
  EXPECT_EQ(max_difference(first, second), 0)
      << who
      << " gives another velocity for the same question: nothing in it may be random, or kept from the last call.";
}

void leaves_its_inputs_alone(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  const auto versions = [&] { return one.at.x._version() + one.at.t._version(); };
  const int64_t before = versions();
  const at::NoGradGuard no_grad;
  if (!thrown_by([&] { one.velocity(); }).empty()) GTEST_SKIP() << "it cannot be used";
  EXPECT_EQ(versions(), before) << who << " writes to x or t, which are the caller's: work on a new tensor.";
}

void exact_map_is_exact(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  const auto* const map = static_cast<const ExactMap*>(one.teacher->query(interface_id::kExactMap));
  if (!map) return;
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  const at::NoGradGuard no_grad;
  const Tensor &x = one.at.x, &s = one.at.s, &t = one.at.t;
  const auto phi = [&](const Tensor& from, const Tensor& a, const Tensor& b) {
    return from + flow::per_row(b - a, from) * map->velocity(from, a, b);
  };
  EXPECT_LT(relative_error(map->velocity(x, t, t), one.velocity()), 1e-8)
      << who << ": its exact map's u_{t,t}(x) is not the velocity v_t(x).";
  const Tensor between = 0.5 * (s + t);
  EXPECT_LT(relative_error(phi(phi(x, s, between), between, t), phi(x, s, t)), 1e-8)
      << who << ": its exact map does not compose: phi_{r,t}(phi_{s,r}(x)) is not phi_{s,t}(x).";
  constexpr double kStep = 1e-4;
  const Tensor moved =
      (8 * (phi(x, s, t + kStep) - phi(x, s, t - kStep)) - (phi(x, s, t + 2 * kStep) - phi(x, s, t - 2 * kStep))) /
      (12 * kStep);
  EXPECT_LT(relative_error(moved, one.teacher->velocity(phi(x, s, t), t, one.at.call)), 1e-6)
      << who << ": its exact map does not follow the field: d/dt phi_{s,t}(x) is not v_t(phi_{s,t}(x)).";
}

void density_is_finite(const std::string& who, const Subject& subject, const DataCase& data) {
  const TeacherCase one(subject, data);
  const auto* const density = static_cast<const Density*>(one.teacher->query(interface_id::kDensity));
  if (!density) return;
  for (const c10::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const at::NoGradGuard no_grad;
    const Tensor x = one.at.x.to(dtype), log_p = density->log_density(x);
    EXPECT_EQ(shape_text(log_p.sizes()), shape_text({x.size(0)}))
        << who << ": log_density() gives one number for each row.";
    EXPECT_EQ(dtype_text(log_p.scalar_type()), dtype_text(dtype)) << who << ": log_density() must have x's dtype.";
    EXPECT_FALSE(log_p.isnan().any().item<bool>() || log_p.isposinf().any().item<bool>())
        << who << ": log_density() is not a number, or infinite: it is finite, or -inf outside of the support.";
  }
}

std::vector<Tensor> exercise(Interface& component, const DataCase& data) {
  auto& teacher = dynamic_cast<Teacher&>(component);
  NetworkTraits traits;
  teacher.traits(traits);
  const Weights weights = Weights::of([&](ParameterSet& set) { teacher.parameters(set); });
  if (!weights.undefined().empty()) throw std::runtime_error("it has weights without a tensor");
  weights.randomise(5, at::kFloat);
  const StudentInputs in = student_inputs(7, 2, data.shape, traits.classes);
  return {teacher.velocity(in.x.to(at::kFloat), in.t.to(at::kFloat), in.call).detach()};
}

}  // namespace

Checks teacher_checks() {
  Checks checks = common_checks(exercise);
  const std::vector<std::pair<const char*, Body>> own = {
      {"GivesAVelocityLikeX", gives_a_velocity_like_x},
      {"NamesItsWeightsOnce", names_its_weights_once},
      {"XGradientIsRight", x_gradient_is_right},
      {"TakesABatchOfOne", takes_a_batch_of_one},
      {"KnowsItsLabels", knows_its_labels},
      {"RepeatsItself", repeats_itself},
      {"LeavesItsInputsAlone", leaves_its_inputs_alone},
      {"ExactMapIsExact", exact_map_is_exact},
      {"DensityIsFinite", density_is_finite},
  };
  for (const auto& [name, body] : own) {
    checks.push_back({name, [body = body](const Subject& subject) { for_each_case(subject, body); }});
  }
  return checks;
}

}  // namespace ttfm::conformance
