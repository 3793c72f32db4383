// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>

#include <ttfm/conformance/numbers.h>
#include <ttfm/conformance/student_checks.h>

#include "conformance/program/catalogue.h"
#include "conformance/program/report.h"
#include "conformance/program/weights.h"

namespace ttfm::conformance {
namespace {

/// An instance as the host holds one, with random weights in double, and something to ask it.
struct StudentCase {
  StudentCase(const Subject& subject, const DataCase& data_, c10::ScalarType dtype = at::kDouble)
      : data(data_), student(subject.make<Student>(data_)) {
    student->traits(traits);
    weights = Weights::of([&](ParameterSet& set) { student->parameters(set); });
    if (!weights.undefined().empty()) return;
    student->initialise(stream(1));
    weights.randomise(5, dtype);
    at = student_inputs(7, 3, data.shape, traits.classes);
    at.s = at.s * 0.5;  // s < t
    at.t = 0.5 + at.t * 0.5;
    at.x = at.x.to(dtype), at.s = at.s.to(dtype), at.t = at.t.to(dtype);
  }

  Tensor velocity(const StudentInputs& in) const { return student->velocity(in.x, in.s, in.t, in.call); }
  Tensor velocity() const { return velocity(at); }

  /// The defects that other tests report.
  std::string trouble() const {
    if (!weights.undefined().empty()) return "it has weights without a tensor";
    const at::NoGradGuard no_grad;
    std::string text = thrown_by([&] {
      const Tensor u = velocity();
      if (u.sizes() != at.x.sizes() || u.scalar_type() != at.x.scalar_type())
        throw std::runtime_error("its result is not like x");
      if (!at::equal(u, velocity())) throw std::runtime_error("it does not repeat itself");
      if (at.x._version() + at.t._version() > 0) throw std::runtime_error("it writes to its inputs");
    });
    return text;
  }

  DataCase data;
  host::Owned<Student> student;
  NetworkTraits traits;
  Weights weights;
  StudentInputs at;
};

using Body = void (*)(const std::string&, const Subject&, const DataCase&);

void for_each_case(const Subject& subject, Body check) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  for (const DataCase& data : subject.cases()) {
    if (!thrown_by([&] { subject.make<Student>(data); }).empty()) GTEST_SKIP() << "it cannot be constructed";
    check(subject.who() + " (" + data.text() + ")", subject, data);
  }
}

StudentInputs rows_of(const StudentInputs& at, int64_t first, int64_t count) {
  StudentInputs part = at;
  part.x = at.x.narrow(0, first, count), part.s = at.s.narrow(0, first, count), part.t = at.t.narrow(0, first, count);
  if (at.call.label.defined()) part.call.label = at.call.label.narrow(0, first, count);
  return part;
}

void gives_a_velocity_like_x(const std::string& who, const Subject& subject, const DataCase& data) {
  for (const c10::ScalarType dtype : {at::kFloat, at::kDouble}) {
    StudentCase one(subject, data, dtype);
    if (!one.weights.undefined().empty()) GTEST_SKIP() << "it has weights without a tensor";
    const at::NoGradGuard no_grad;
    Tensor u;
    const std::string text = thrown_by([&] { u = one.velocity(); });
    ASSERT_EQ(text, "") << who << " fails for x, s and t of " << dtype_text(dtype)
                        << ": compute in the dtype of x, which the host gives the weights too.";
    EXPECT_EQ(shape_text(u.sizes()), shape_text(one.at.x.sizes())) << who << ": the velocity must have x's shape.";
    EXPECT_EQ(dtype_text(u.scalar_type()), dtype_text(dtype))
        << who << ": the velocity must have x's dtype: give new tensors x.options().";
    EXPECT_TRUE(u.isfinite().all().item<bool>()) << who << ": the velocity is not finite.";
    StudentInputs diagonal = one.at;
    diagonal.s = diagonal.t;
    EXPECT_TRUE(one.velocity(diagonal).isfinite().all().item<bool>())
        << who << ": the velocity is not finite at s = t, where it is the instantaneous one: do not divide by t - s.";
    if (u.sizes() != one.at.x.sizes() || !at::equal(u, one.velocity())) continue;  // it does not repeat itself
    StudentInputs strided = one.at;
    strided.x = one.at.x.transpose(0, -1).contiguous().transpose(0, -1);
    const double tolerance = dtype == at::kDouble ? 1e-10 : 1e-3;
    EXPECT_LT(relative_error(one.velocity(strided), u), tolerance)
        << who << " gives another velocity for an x with other strides: use reshape() or contiguous().";
  }
}

void names_its_weights_once(const std::string& who, const Subject& subject, const DataCase& data) {
  const StudentCase one(subject, data);
  for (const std::string& name : one.weights.twice()) {
    ADD_FAILURE() << who << " names the weight '" << name
                  << "' twice, or two names hold one weight: names are the keys of checkpoints, one for each weight.";
  }
  for (const std::string& name : one.weights.undefined()) {
    ADD_FAILURE() << who << ": the weight '" << name
                  << "' holds no tensor in parameters(): make it with its final shape in the constructor.";
  }
  EXPECT_FALSE(one.weights.all.empty()) << who
                                        << " names no weight, so that there is nothing to train: name each in "
                                           "parameters().";
}

void initialises_from_its_stream(const std::string& who, const Subject& subject, const DataCase& data) {
  const StudentCase one(subject, data), two(subject, data);
  if (!one.weights.undefined().empty()) GTEST_SKIP() << "it has weights without a tensor";
  const auto initialise = [](const StudentCase& each) {
    each.weights.convert(at::kFloat);
    const at::NoGradGuard no_grad;
    for (const auto& weight : each.weights.all) {
      if (weight.value->is_floating_point()) weight.value->fill_(std::numeric_limits<double>::quiet_NaN());
    }
    each.student->initialise(stream(11));
  };
  initialise(one);
  initialise(two);
  for (size_t i = 0; i < one.weights.all.size(); ++i) {
    const auto& weight = one.weights.all[i];
    const bool finite = weight.value->isfinite().all().item<bool>();
    EXPECT_TRUE(finite) << who << ": initialise() does not set all of the weight '" << weight.name
                        << "': what is there before is not defined.";
    if (!finite) continue;
    EXPECT_TRUE(at::equal(*weight.value, *two.weights.all[i].value))
        << who << ": initialise() gives the weight '" << weight.name
        << "' other values from the same stream: draw from stream.child(name) alone.";
  }
}

void is_its_weights(const std::string& who, const Subject& subject, const DataCase& data) {
  const StudentCase one(subject, data);
  StudentCase two(subject, data);
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  const at::NoGradGuard no_grad;
  two.weights.convert(at::kFloat);
  two.student->initialise(stream(2));  // what is no weight is another one now
  two.weights.randomise(6);
  two.velocity();  // whatever it may keep for later
  two.weights.copy_from(one.weights);
  EXPECT_EQ(max_difference(two.velocity(), one.velocity()), 0)
      << who
      << " gives another velocity after all weights of an equal instance were copied into it: name every tensor "
         "that it computes with in parameters(), and keep no copy or view of one.";
}

void gradients_are_right(const std::string& who, const Subject& subject, const DataCase& data) {
  StudentCase one(subject, data);
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  constexpr double kStep = 1e-4;
  const Stream numbers = stream(2026, at::kDouble);
  const Tensor factor = numbers.child("factor").normal(one.at.x.sizes());
  const auto scalar = [&](const StudentInputs& in) { return (factor * one.velocity(in)).sum(); };

  StudentInputs recorded = one.at;
  recorded.x = one.at.x.clone().requires_grad_();
  one.weights.record_gradients(true);
  std::vector<std::string> names{"x"};
  std::vector<Tensor> leaves{recorded.x};
  for (const auto& weight : one.weights.all) {
    if (!weight.trained) continue;
    names.push_back("the weight '" + weight.name + "'");
    leaves.push_back(*weight.value);
  }
  const Tensor value = scalar(recorded);
  ASSERT_TRUE(value.requires_grad()) << who
                                     << ": the velocity records no gradient in its weights: remove the no-grad guard.";
  const auto gradients = torch::autograd::grad({value}, leaves, {}, std::nullopt, false, /*allow_unused=*/true);

  const at::NoGradGuard no_grad;
  const auto slope = [&](const std::vector<size_t>& which) {
    std::vector<Tensor> before, steps;
    for (const size_t i : which) {
      before.push_back(leaves[i].detach().clone());
      steps.push_back(numbers.child(names[i]).normal(leaves[i].sizes()));
    }
    const auto at = [&](double h) {
      for (size_t k = 0; k < which.size(); ++k) leaves[which[k]].copy_(before[k] + h * steps[k]);
      const double result = scalar(recorded).item<double>();
      for (size_t k = 0; k < which.size(); ++k) leaves[which[k]].copy_(before[k]);
      return result;
    };
    const double expected = (8 * (at(kStep) - at(-kStep)) - (at(2 * kStep) - at(-2 * kStep))) / (12 * kStep);
    double found = 0, scale = 1e-8;
    for (size_t k = 0; k < which.size(); ++k) {
      if (!gradients[which[k]].defined()) continue;
      found += (gradients[which[k]] * steps[k]).sum().item<double>();
      scale += (gradients[which[k]] * steps[k]).square().sum().sqrt().item<double>();
    }
    return std::abs(found - expected) / std::max({std::abs(expected), scale, 1e-8});
  };

  std::vector<size_t> all;
  for (size_t i = one.traits.x_gradient ? 0 : 1; i < leaves.size(); ++i) {
    all.push_back(i);
    EXPECT_TRUE(gradients[i].defined()) << who << ": no gradient reaches " << names[i] << ": "
                                        << (i ? "it is named but never used."
                                              : "do not detach x, or say x_gradient = false in traits().");
  }
  constexpr double kTolerance = 1e-5;
  if (testing::Test::HasFailure() || slope(all) < kTolerance) return;
  std::string worst;
  double error = 0;
  for (const size_t i : all) {
    const double each = slope({i});
    if (each > error) error = each, worst = names[i];
  }
  EXPECT_LT(error, kTolerance) << who << ": the gradient in " << worst
                               << " differs from differences of the velocity: look at the backward of custom autograd "
                                  "functions, at values written in place, and at .data.";
}

void dual_is_right(const std::string& who, const Subject& subject, const DataCase& data) {
  StudentCase one(subject, data);
  if (!one.traits.dual) return;
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  const Direction direction = student_direction(3, one.at);
  const at::NoGradGuard no_grad;
  const Dual u = dual_velocity(*one.student, one.at, direction);
  ASSERT_TRUE(u.primal.defined() && u.tangent.defined())
      << who << ": velocity_dual() gives no tangent: say dual = false in traits(), or compute one.";
  EXPECT_LT(relative_error(u.primal, one.velocity()), 1e-9)
      << who << ": the primal of velocity_dual() differs from velocity().";
  EXPECT_LT(relative_error(u.tangent, central_difference(*one.student, one.at, direction)), 1e-5)
      << who << ": the tangent of velocity_dual() differs from differences of velocity() along x, s and t.";
}

void rows_are_independent(const std::string& who, const Subject& subject, const DataCase& data) {
  StudentCase one(subject, data);
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  const at::NoGradGuard no_grad;
  const Tensor u = one.velocity();
  for (int64_t row = 0; row < one.at.x.size(0); ++row) {
    const StudentInputs in = rows_of(one.at, row, 1);
    Tensor alone;
    const std::string text = thrown_by([&] { alone = one.velocity(in); });
    ASSERT_EQ(text, "") << who << " fails for a batch of one.";
    ASSERT_EQ(shape_text(alone.sizes()), shape_text(in.x.sizes())) << who << " gives another shape for a batch of one.";
    if (!one.traits.stackable) continue;
    EXPECT_LT(relative_error(alone, u.narrow(0, row, 1)), 1e-9)
        << who
        << ": a row's velocity depends on the other rows of the batch: say stackable = false in traits(), or take "
           "no statistic over the batch.";
  }
}

void knows_its_labels(const std::string& who, const Subject& subject, const DataCase& data) {
  StudentCase one(subject, data);
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  const int64_t classes = one.traits.classes;
  ASSERT_TRUE(classes == 0 || classes == data.classes)
      << who << ": traits() says " << classes << " classes; it must be the data's, or 0 for a network without labels.";
  if (classes == 0) return;
  const at::NoGradGuard no_grad;
  const auto labelled = [&](int64_t label) {
    StudentInputs in = one.at;
    in.call.label = at::full({in.x.size(0)}, label, at::kLong);
    return one.velocity(in);
  };
  StudentInputs unlabelled = one.at;
  unlabelled.call.label = Tensor();
  EXPECT_EQ(max_difference(labelled(classes), one.velocity(unlabelled)), 0)
      << who << ": the label " << classes << " (none) and no label at all give different velocities.";
  for (int64_t label = 0; label < classes; ++label) {
    EXPECT_GT(relative_error(labelled(label), labelled(label + 1)), 1e-9)
        << who << ": the labels " << label << " and " << label + 1
        << " give the same velocity: use Call::label, or say classes = 0 in traits().";
  }
}

void drops_as_it_says(const std::string& who, const Subject& subject, const DataCase& data) {
  StudentCase one(subject, data);
  if (const std::string text = one.trouble(); !text.empty()) GTEST_SKIP() << text;
  if (!one.traits.dropout) return;  // the host hands it no stream
  const at::NoGradGuard no_grad;
  const Stream mask = stream(1, at::kDouble), other = stream(2, at::kDouble);
  StudentInputs dropped = one.at, otherwise = one.at;
  dropped.call.dropout = &mask;
  otherwise.call.dropout = &other;
  const Tensor u = one.velocity(dropped);
  EXPECT_EQ(max_difference(u, one.velocity(dropped)), 0)
      << who << ": the same dropout stream gives another mask: draw it from Call::dropout alone.";
  EXPECT_GT(relative_error(u, one.velocity(otherwise)), 1e-9)
      << who
      << ": another dropout stream gives the same velocity: use Call::dropout, or say dropout = false in traits().";
  if (!one.traits.dual) return;
  const Direction direction = student_direction(3, one.at);
  const Dual dual = dual_velocity(*one.student, dropped, direction);
  EXPECT_LT(relative_error(dual.primal, u), 1e-9) << who << ": velocity() and velocity_dual() draw different masks.";
}

void repeats_itself(const std::string& who, const Subject& subject, const DataCase& data) {
  StudentCase one(subject, data);
  const at::NoGradGuard no_grad;
  Tensor first, second;
  const std::string text = thrown_by([&] { first = one.velocity(), second = one.velocity(); });
  if (!text.empty()) GTEST_SKIP() << text;
  EXPECT_EQ(max_difference(first, second), 0)
      << who << " gives another velocity for the same question: without Call::dropout nothing is random.";
}

void leaves_its_inputs_alone(const std::string& who, const Subject& subject, const DataCase& data) {
  StudentCase one(subject, data);
  const auto versions = [&] { return one.at.x._version() + one.at.s._version() + one.at.t._version(); };
  const int64_t before = versions();
  const at::NoGradGuard no_grad;
  if (!thrown_by([&] { one.velocity(); }).empty()) GTEST_SKIP() << "it cannot be used";
  EXPECT_EQ(versions(), before) << who << " writes to x, s or t, which are the caller's: work on a new tensor.";
}

std::vector<Tensor> exercise(Interface& component, const DataCase& data) {
  auto& student = dynamic_cast<Student&>(component);
  NetworkTraits traits;
  student.traits(traits);
  const Weights weights = Weights::of([&](ParameterSet& set) { student.parameters(set); });
  if (!weights.undefined().empty()) throw std::runtime_error("it has weights without a tensor");
  student.initialise(stream(1));
  weights.randomise(5, at::kFloat);
  const StudentInputs in = student_inputs(7, 2, data.shape, traits.classes);
  return {student.velocity(in.x.to(at::kFloat), in.s.to(at::kFloat), in.t.to(at::kFloat), in.call).detach()};
}

}  // namespace

Checks student_checks() {
  Checks checks = common_checks(exercise);
  const std::vector<std::pair<const char*, Body>> own = {
      {"GivesAVelocityLikeX", gives_a_velocity_like_x},
      {"NamesItsWeightsOnce", names_its_weights_once},
      {"InitialisesFromItsStream", initialises_from_its_stream},
      {"IsItsWeights", is_its_weights},
      {"GradientsAreRight", gradients_are_right},
      {"DualIsRight", dual_is_right},
      {"RowsAreIndependent", rows_are_independent},
      {"KnowsItsLabels", knows_its_labels},
      {"DropsAsItSays", drops_as_it_says},
      {"RepeatsItself", repeats_itself},
      {"LeavesItsInputsAlone", leaves_its_inputs_alone},
  };
  for (const auto& [name, body] : own) {
    checks.push_back({name, [body = body](const Subject& subject) { for_each_case(subject, body); }});
  }
  return checks;
}

}  // namespace ttfm::conformance
