// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <set>

#include <ttfm/conformance/numbers.h>

#include "conformance/program/catalogue.h"
#include "conformance/program/loss_case.h"
#include "conformance/program/replay.h"
#include "conformance/program/report.h"

namespace ttfm::conformance {
namespace {

/// Calls `check` for each kind of data, with what is said of a loss and an instance.
void for_each_case(const Subject& subject,
                   const std::function<void(const std::string&, const Loss&, const DataCase&)>& check) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  for (const DataCase& data : subject.cases()) {
    host::Owned<Loss> loss;
    if (!thrown_by([&] { loss = subject.make<Loss>(data); }).empty()) GTEST_SKIP() << "it cannot be constructed";
    check(subject.who() + " (" + data.text() + ")", *loss, data);
  }
}

bool usable(const LossUse& use) {
  if (!use.error.empty() || !use.total.defined()) return false;
  return use.total.isfinite().all().item<bool>();
}

void gives_finite_terms(const std::string& who, const Loss& loss, const DataCase& data) {
  for (const c10::ScalarType dtype : {at::kFloat, at::kDouble}) {
    LossCase one(loss, data, dtype);
    const LossUse use = one.use(loss);
    if (!use.error.empty()) GTEST_SKIP() << use.error;
    ASSERT_FALSE(use.terms.empty()) << who << " adds no term: call out.add(\"name\", per_sample) in compute().";
    std::set<std::string> names;
    for (const Term& term : use.terms) {
      const std::string what = who + ": the term '" + term.name + "' ";
      EXPECT_TRUE(names.insert(term.name).second) << what << "is added twice: give each term its own name.";
      EXPECT_EQ(shape_text(term.per_sample.sizes()), shape_text({one.x_0.size(0)}))
          << what
          << "must have one value for each sample of the batch: average over the elements of a sample, not over "
             "the batch.";
      EXPECT_EQ(dtype_text(term.per_sample.scalar_type()), dtype_text(dtype))
          << what << "has another dtype than x_0: give new tensors x_0's options.";
      EXPECT_TRUE(term.per_sample.isfinite().all().item<bool>())
          << what << "is not finite: look for a division by a gap t - s or a variance that may be zero.";
      EXPECT_TRUE(std::isfinite(term.weight)) << what << "has a weight that is not finite.";
    }
  }
}

Tensor gradient_of(const LossUse& use, const Tensor& g) {
  if (!use.total.requires_grad()) return {};
  return torch::autograd::grad({use.total}, {g}, {}, /*retain_graph=*/true, /*create_graph=*/false,
                               /*allow_unused=*/true)[0];
}

void reaches_the_student(const std::string& who, const Loss& loss, const DataCase& data) {
  LossCase one(loss, data);
  const LossUse use = one.use(loss);
  if (!usable(use)) GTEST_SKIP() << "it cannot be used";
  const Tensor gradient = gradient_of(use, one.g);
  ASSERT_TRUE(gradient.defined() && gradient.abs().max().item<double>() > 0)
      << who
      << ": no gradient reaches the student: ask in.student(), not in.student().stopped() or a copy, in at least "
         "one term, and do not detach what it returns.";
  EXPECT_TRUE(gradient.isfinite().all().item<bool>())
      << who
      << ": the student's gradient is not finite although the loss is: look for a square root, a norm or a "
         "division at zero.";
}

void reaches_only_the_student(const std::string& who, const Loss& loss, const DataCase& data) {
  LossCase one(loss, data);
  const LossUse use = one.use(loss);
  if (!usable(use)) GTEST_SKIP() << "it cannot be used";
  EXPECT_TRUE(!one.asked.teacher_records || one.needs.teacher_x_gradient)
      << who
      << ": the gradient reaches the teacher's input, although needs() does not say teacher_x_gradient: ask "
         "the teacher at x.detach(), or at what in.student().stopped() gives, or set teacher_x_gradient = true.";
  EXPECT_FALSE(one.x_0.requires_grad() || one.x_1.requires_grad())
      << who << " makes the batch record gradients, which nobody takes: work on x.detach() instead.";
}

/// The derivative of the total along `direction` of the student's weights, by central differences of 4th order.
double slope(LossCase& one, const Loss& loss, const Tensor& direction, StoppedValues& stopped) {
  constexpr double kStep = 1e-4;
  const auto at = [&](double h) {
    const Tensor before = one.g.detach().clone();
    {
      const at::NoGradGuard no_grad;
      one.g.add_(direction, h);
    }
    const double value = stopped.replay([&] { return one.use(loss).total; });
    const at::NoGradGuard no_grad;
    one.g.copy_(before);
    return value;
  };
  return (8 * (at(kStep) - at(-kStep)) - (at(2 * kStep) - at(-2 * kStep))) / (12 * kStep);
}

void gradients_are_right(const std::string& who, const Loss& loss, const DataCase& data) {
  // at a corner (of a clamp, an absolute value) differences say nothing: so three batches, of which two must agree
  int wrong = 0;
  std::string seen;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    LossCase one(loss, data, at::kDouble, 5, seed);
    const LossUse use = one.use(loss);
    if (!usable(use)) GTEST_SKIP() << "it cannot be used";
    const Tensor gradient = gradient_of(use, one.g);
    if (!gradient.defined()) GTEST_SKIP() << "no gradient reaches the student";
    StoppedValues stopped;
    const double value = stopped.record([&] { return one.use(loss).total; });
    if (!(std::abs(value - use.total.item<double>()) <= 1e-12 * (1 + std::abs(value))))
      GTEST_SKIP() << "it does not repeat itself";
    const Tensor direction = stream(seed + 70, at::kDouble).normal(one.g.sizes());
    const double expected = slope(one, loss, direction, stopped);
    const double found = (gradient * direction).sum().item<double>();
    const double scale =
        at::linalg_vector_norm(gradient).item<double>() * at::linalg_vector_norm(direction).item<double>();
    if (std::isnan(expected)) GTEST_SKIP() << "it takes another way at other weights";
    if (std::abs(found - expected) <= 1e-5 * std::max(scale, 1e-8)) continue;
    ++wrong;
    seen += " " + std::to_string(found) + " where differences give " + std::to_string(expected) + ";";
  }
  EXPECT_LT(wrong, 2) << who << ": the gradient in the student's weights is wrong:" << seen
                      << " look at a custom autograd function, at values written in place, and at .data.";
}

void leaves_its_inputs_alone(const std::string& who, const Loss& loss, const DataCase& data) {
  LossCase one(loss, data);
  const Tensor x_0 = one.x_0.clone(), x_1 = one.x_1.clone(),
               label = one.call.label.defined() ? one.call.label.clone() : Tensor();
  const auto versions = [&] {
    return std::vector<int64_t>{one.x_0._version(), one.x_1._version(),
                                label.defined() ? one.call.label._version() : 0};
  };
  const auto before = versions();
  one.use(loss);
  const char* const advice =
      ": the batch is the host's, and the next term's; work on a new tensor (x + y, not x.add_(y)).";
  const auto after = versions();
  EXPECT_TRUE(after[0] == before[0] && at::equal(one.x_0, x_0)) << who << " writes to x_0" << advice;
  EXPECT_TRUE(after[1] == before[1] && at::equal(one.x_1, x_1)) << who << " writes to x_1" << advice;
  EXPECT_TRUE(after[2] == before[2] && (!label.defined() || at::equal(one.call.label, label)))
      << who << " writes to the labels" << advice;
}

bool same_terms(const LossUse& a, const LossUse& b) {
  if (a.terms.size() != b.terms.size()) return false;
  for (size_t i = 0; i < a.terms.size(); ++i) {
    if (!at::equal(a.terms[i].per_sample, b.terms[i].per_sample) || a.terms[i].weight != b.terms[i].weight)
      return false;
  }
  return true;
}

void repeats_itself(const std::string& who, const Loss& loss, const DataCase& data) {
  LossCase one(loss, data), two(loss, data);
  const LossUse first = one.use(loss), second = two.use(loss);
  if (!usable(first) || !usable(second)) GTEST_SKIP() << "it cannot be used";
  EXPECT_TRUE(same_terms(first, second))
      << who
      << " gives other numbers for the same batch, step and stream: draw from in.stream() alone, and keep nothing "
         "from one call to the next.";
}

void takes_a_batch_of_one(const std::string& who, const Loss& loss, const DataCase& data) {
  LossCase many(loss, data);
  const LossUse several = many.use(loss);
  if (!usable(several)) GTEST_SKIP() << "it cannot be used";
  for (const Term& term : several.terms) {
    if (term.per_sample.sizes() != at::IntArrayRef{many.x_0.size(0)}) GTEST_SKIP() << "its terms are not [B]";
  }
  LossCase one(loss, data, at::kDouble, 1);
  const LossUse use = one.use(loss);
  const char* const advice = ": no statistic of the batch may be needed, and no dimension of size 1 squeezed.";
  ASSERT_EQ(use.error, "") << who << " fails for a batch of one" << advice;
  for (const Term& term : use.terms) {
    EXPECT_EQ(shape_text(term.per_sample.sizes()), "[1]")
        << who << ": the term '" << term.name << "' has another shape for a batch of one" << advice;
    EXPECT_TRUE(term.per_sample.isfinite().all().item<bool>())
        << who << ": the term '" << term.name << "' is not finite for a batch of one" << advice;
  }
}

/// The terms as one column each, [terms, B].
std::vector<Tensor> rows_of(const LossUse& use, int64_t first, int64_t count) {
  std::vector<Tensor> rows;
  for (const Term& term : use.terms) rows.push_back(term.per_sample.narrow(0, first, count));
  return rows;
}

void does_not_depend_on_micro_batches(const std::string& who, const Loss& loss, const DataCase& data) {
  constexpr int64_t kFirst = 2, kRows = 2;
  LossCase whole(loss, data);
  const LossUse all = whole.use(loss), again = whole.use(loss);
  if (!usable(all) || !same_terms(all, again)) GTEST_SKIP() << "it cannot be used, or does not repeat itself";
  for (const Term& term : all.terms) {
    if (term.per_sample.dim() != 1 || term.per_sample.size(0) != whole.x_0.size(0))
      GTEST_SKIP() << "its terms are not [B]";
  }
  LossCase part(loss, data);
  part.x_0 = whole.x_0.narrow(0, kFirst, kRows).clone();
  part.x_1 = whole.x_1.narrow(0, kFirst, kRows).clone();
  if (part.call.label.defined()) part.call.label = whole.call.label.narrow(0, kFirst, kRows).clone();
  part.first_row = kFirst;
  const LossUse some = part.use(loss);
  if (!usable(some)) GTEST_SKIP() << "it cannot be used for " << kRows << " rows";
  const auto expected = rows_of(all, kFirst, kRows), found = rows_of(some, 0, kRows);
  for (size_t i = 0; i < std::min(expected.size(), found.size()); ++i) {
    EXPECT_LT(max_difference(found[i], expected[i]), 1e-9 * (1 + expected[i].abs().max().item<double>()))
        << who << ": a sample's value of the term '" << all.terms[i].name
        << "' depends on which others are in its batch, so that micro-batches ([train] accumulate) change the run: "
           "draw "
           "random numbers of shape [B] from in.stream(), and average over a sample's elements only.";
  }
}

void hands_on_labels(const std::string& who, const Loss& loss, const DataCase& data) {
  if (data.classes == 0) return;
  LossCase one(loss, data);
  if (!one.use(loss).error.empty()) GTEST_SKIP() << "it cannot be used";
  EXPECT_EQ(one.asked.unlabelled, "") << who
                                      << ": the network above is asked without the labels of the batch, or with "
                                         "wrong ones: hand in.call() on in every question.";
}

void asks_for_what_it_needs(const std::string& who, const Loss& loss, const DataCase& data) {
  LossCase one(loss, data);
  ASSERT_LE(one.needs.copies, 4u) << who << ": needs() asks for " << one.needs.copies << " copies, and 4 are possible.";
  LossCase::Asked asked;
  for (int64_t step : {int64_t{0}, one.steps / 2, one.steps - 1}) {
    LossCase now(loss, data);
    now.step = step;
    const LossUse use = now.use(loss);
    ASSERT_EQ(use.error, "") << who
                             << " fails in compute(): what it takes from `in` must stand in needs(), and what it "
                                "throws ends the run.";
    asked.teacher += now.asked.teacher;
    asked.derivatives += now.asked.derivatives;
    for (size_t i = 0; i < 4; ++i) asked.copies[i] += now.asked.copies[i];
  }
  EXPECT_TRUE(!one.needs.teacher || asked.teacher > 0)
      << who
      << ": needs() says teacher, which compute() never asks, so that a run without [teacher] is refused for "
         "nothing: leave it false.";
  EXPECT_TRUE(!one.needs.teacher_x_gradient || one.needs.teacher)
      << who << ": needs() says teacher_x_gradient without teacher: set both or neither.";
  EXPECT_EQ(one.needs.derivative, asked.derivatives > 0)
      << who
      << (one.needs.derivative ? ": needs() says derivative, and compute() never takes one: leave it false."
                               : ": compute() takes a derivative of the student, which needs() does not say: set "
                                 "derivative = true, so that users of a student without a dual are warned.");
  for (uint32_t i = 0; i < one.needs.copies; ++i) {
    EXPECT_GT(asked.copies[i], 0) << who << ": needs() asks for copy " << i
                                  << " of the student, which compute() never uses: it costs memory and time.";
    const CopyRule& rule = one.needs.copy[i];
    EXPECT_TRUE(rule.kind <= CopyRule::kFrozen && rule.decay >= 0 && rule.decay < 1 && rule.refresh_every >= 0)
        << who << ": the rule of copy " << i << " is out of its limits: 0 <= decay < 1, refresh_every >= 0.";
  }
}

void asks_within_the_contract(const std::string& who, const Loss& loss, const DataCase& data) {
  for (const c10::ScalarType dtype : {at::kFloat, at::kDouble}) {
    LossCase one(loss, data, dtype, 16);
    if (!one.use(loss).error.empty()) GTEST_SKIP() << "it cannot be used";
    EXPECT_EQ(one.asked.broken, "") << who << " asks a network what it need not answer.";
  }
}

std::vector<Tensor> exercise(Interface& component, const DataCase& data) {
  const at::AutoGradMode on(true);  // as in training
  const auto& loss = dynamic_cast<const Loss&>(component);
  LossCase one(loss, data);
  const LossUse use = one.use(loss);
  if (!use.error.empty()) throw std::runtime_error(use.error);
  std::vector<Tensor> values;
  for (const Term& term : use.terms) values.push_back(term.per_sample.detach());
  return values;
}

}  // namespace

Checks loss_checks() {
  Checks checks = common_checks(exercise);
  using Body = void (*)(const std::string&, const Loss&, const DataCase&);
  const std::vector<std::pair<const char*, Body>> own = {
      {"GivesFiniteTermsPerSample", gives_finite_terms},
      {"ReachesTheStudent", reaches_the_student},
      {"ReachesOnlyTheStudent", reaches_only_the_student},
      {"GradientsAreRight", gradients_are_right},
      {"LeavesItsInputsAlone", leaves_its_inputs_alone},
      {"RepeatsItself", repeats_itself},
      {"TakesABatchOfOne", takes_a_batch_of_one},
      {"DoesNotDependOnMicroBatches", does_not_depend_on_micro_batches},
      {"HandsOnLabels", hands_on_labels},
      {"AsksForWhatItNeeds", asks_for_what_it_needs},
      {"AsksWithinTheContract", asks_within_the_contract},
  };
  for (const auto& [name, body] : own) {
    checks.push_back({name, [body = body](const Subject& subject) { for_each_case(subject, body); }});
  }
  return checks;
}

}  // namespace ttfm::conformance
