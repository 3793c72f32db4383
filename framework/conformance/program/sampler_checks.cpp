// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include <cmath>
#include <limits>
#include <memory>

#include <ttfm/conformance/numbers.h>
#include <ttfm/flow/gaussian.h>

#include "conformance/program/catalogue.h"
#include "conformance/program/report.h"
#include "facade/impl.h"

namespace ttfm::conformance {
namespace {

constexpr int64_t kBound = 20000;  // evaluations that an adaptive sampler may spend

struct Point {
  double t;
  Tensor x;         ///< as it was given, which may have been written to since
  Tensor as_given;  ///< its values then
};

/// One trajectory of the exact field or the exact map of a Gaussian.
struct Sampled {
  std::string error;
  std::vector<Point> points;
  int64_t evaluations = 0;
  std::string unlabelled, broken;
  bool writes = false;  ///< to x_0

  const Tensor& end() const { return points.back().x; }
};

struct Points final : SampleResult::Impl {
  explicit Points(std::vector<Point>& to) : out(to) {}
  void point(double t, const Tensor& x) override { out.push_back({t, x, x.detach().clone()}); }
  std::vector<Point>& out;
};

flow::Gaussian gaussian(const Tensor& x) {
  const Tensor row = at::arange(x[0].numel(), x.options()).remainder(2);
  return {(1.5 - 2.2 * row).view(x[0].sizes()), 0.5};
}

Tensor noise(const DataCase& data, int64_t rows, c10::ScalarType dtype = at::kDouble) {
  std::vector<int64_t> shape{rows};
  shape.insert(shape.end(), data.shape.begin(), data.shape.end());
  return stream(3, at::kDouble).child("x_0").normal(shape).to(dtype);
}

struct Setting {
  Tensor x_0;
  int64_t evaluations = 1;
  bool of_field = true;
  uint64_t seed = 1;
  int64_t first_row = 0;
};

Sampled sample_once(const Sampler& sampler, const DataCase& data, const Setting& setting) {
  Sampled result;
  Call call;
  NetworkTraits traits;
  traits.classes = data.classes;
  if (data.classes > 0) call.label = at::arange(setting.x_0.size(0)).remainder(data.classes);
  const auto note = [&](const Tensor& x, const Tensor& s, const Tensor& t, const Call& c) {
    const bool labelled = c.label.defined() && c.label.sizes() == call.label.sizes() && at::equal(c.label, call.label);
    if (data.classes > 0 && !labelled) result.unlabelled = "a network is asked without the labels";
    for (const Tensor& time : {s, t}) {
      if (time.dim() != 1 || time.size(0) != x.size(0)) {
        result.broken =
            "with times of shape " + shape_text(time.sizes()) + " for " + std::to_string(x.size(0)) + " rows";
      } else if (time.min().item<double>() < 0 || time.max().item<double>() > 1) {
        result.broken = "at a time outside of [0, 1]";
      }
    }
    if (result.broken.empty() && (s > t).any().item<bool>()) result.broken = "with s > t";
  };
  const TestField field(
      [&](const Tensor& x, const Tensor& t, const Call& c) {
        note(x, t, t, c);
        return gaussian(x).velocity(x, t);
      },
      traits);
  const TestMap map(
      [&](const Tensor& x, const Tensor& s, const Tensor& t, const Call& c) {
        note(x, s, t, c);
        return gaussian(x).average_velocity(x, s, t);
      },
      false, traits);
  const Tensor before = setting.x_0.clone();
  const int64_t version = setting.x_0._version();
  Stream::Impl randomness = stream(setting.seed, setting.x_0.scalar_type()).impl();
  randomness.row_offset = setting.first_row;
  const Stream numbers(randomness);
  SampleInputs::Impl inputs;
  inputs.x_0 = setting.x_0;
  inputs.call = &call;
  inputs.stream = &numbers;
  inputs.evaluations = setting.evaluations;
  if (setting.of_field) inputs.field = &field.facade();
  if (!setting.of_field) inputs.flow_map = &map.facade();
  Points points(result.points);
  {
    const at::NoGradGuard no_grad;
    result.error = thrown_by([&] { sampler.sample(SampleInputs(&inputs), SampleResult(&points)); });
  }
  result.evaluations = setting.of_field ? field.calls() : map.calls();
  result.writes = setting.x_0._version() != version || !at::equal(setting.x_0, before);
  return result;
}

/// What a sampler works on, by its traits: a field, a map, or each.
struct SamplerCase {
  SamplerCase(const Subject& subject, const DataCase& data_) : data(data_), sampler(subject.make<Sampler>(data_)) {
    sampler->traits(traits);
  }

  std::vector<bool> of_field() const {
    std::vector<bool> all;
    if (traits.field) all.push_back(true);
    if (traits.flow_map) all.push_back(false);
    return all;
  }

  /// Evaluations of `steps` steps.
  int64_t evaluations(int64_t steps) const {
    return traits.adaptive ? kBound : steps * std::max<int64_t>(1, traits.evaluations_per_step);
  }

  Sampled run(int64_t steps, bool field, int64_t rows = 4, c10::ScalarType dtype = at::kDouble,
              uint64_t seed = 1) const {
    return sample_once(*sampler, data, {noise(data, rows, dtype), evaluations(steps), field, seed});
  }

  bool is_random(bool field) const {
    const Sampled one = run(4, field, 4, at::kDouble, 1), two = run(4, field, 4, at::kDouble, 2);
    return one.error.empty() && two.error.empty() && !one.points.empty() && !two.points.empty() &&
           !at::equal(one.end(), two.end());
  }

  DataCase data;
  host::Owned<Sampler> sampler;
  SamplerTraits traits;
};

bool usable(const Sampled& sampled, const Tensor& x_0) {
  return sampled.error.empty() && !sampled.points.empty() && sampled.end().defined() &&
         sampled.end().sizes() == x_0.sizes();
}

using Body = void (*)(const std::string&, const SamplerCase&, bool field);

void for_each_case(const Subject& subject, Body check) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  for (const DataCase& data : subject.cases()) {
    std::unique_ptr<SamplerCase> one;
    if (!thrown_by([&] { one = std::make_unique<SamplerCase>(subject, data); }).empty())
      GTEST_SKIP() << "it cannot be constructed";
    for (const bool field : one->of_field())
      check(subject.who() + (field ? " on a field" : " on a flow map"), *one, field);
  }
}

void says_what_it_works_on(const Subject& subject) {
  if (subject.cases().empty()) GTEST_SKIP() << "it cannot be constructed";
  const SamplerCase one(subject, subject.cases().front());
  EXPECT_TRUE(one.traits.field || one.traits.flow_map)
      << subject.who() << " works on nothing: set field (for teachers) or flow_map (for students) in traits().";
  EXPECT_GE(one.traits.evaluations_per_step, 1) << subject.who() << ": evaluations_per_step is at least 1.";
}

void ends_at_one(const std::string& who, const SamplerCase& one, bool field) {
  for (const c10::ScalarType dtype : {at::kFloat, at::kDouble}) {
    const Sampled sampled = one.run(3, field, 4, dtype);
    ASSERT_EQ(sampled.error, "") << who << " fails for x_0 of " << dtype_text(dtype) << ".";
    ASSERT_FALSE(sampled.points.empty()) << who << " gives no point: call out.point(t, x), the last time with t = 1.";
    EXPECT_EQ(sampled.points.back().t, 1.0) << who << " must end at t = 1 exactly: do not add up step lengths.";
    double last = -1;
    for (const Point& point : sampled.points) {
      EXPECT_GT(point.t, last) << who << ": the times of its points must increase.";
      EXPECT_GE(point.t, 0) << who << ": times are in [0, 1].";
      last = point.t;
      EXPECT_EQ(shape_text(point.x.sizes()), shape_text(noise(one.data, 4).sizes()))
          << who << ": a point must have x_0's shape.";
      EXPECT_EQ(dtype_text(point.x.scalar_type()), dtype_text(dtype)) << who << ": a point must have x_0's dtype.";
      EXPECT_TRUE(point.as_given.isfinite().all().item<bool>()) << who << ": a point is not finite.";
    }
  }
}

void spends_what_it_says(const std::string& who, const SamplerCase& one, bool field) {
  for (const int64_t steps : {1, 2, 5}) {
    const Sampled sampled = one.run(steps, field);
    if (!sampled.error.empty()) GTEST_SKIP() << sampled.error;
    const int64_t asked = one.evaluations(steps);
    if (one.traits.adaptive) {
      EXPECT_LE(sampled.evaluations, asked) << who << " spends more evaluations than evaluations() allows.";
    } else {
      EXPECT_EQ(sampled.evaluations, asked)
          << who << " must spend the evaluations that it is given, a multiple of evaluations_per_step = "
          << one.traits.evaluations_per_step
          << ": mend the count of steps, or say adaptive or evaluations_per_step in traits().";
    }
  }
}

double error_of(const SamplerCase& one, int64_t steps, bool field) {
  const Sampled sampled = one.run(steps, field);
  const Tensor x_0 = noise(one.data, 4);
  if (!usable(sampled, x_0)) return std::numeric_limits<double>::quiet_NaN();
  const Tensor zero = at::arange(4, x_0.options()) * 0;
  return relative_error(sampled.end(), gaussian(x_0).map(x_0, zero, zero + 1));
}

void follows_the_flow(const std::string& who, const SamplerCase& one, bool field) {
  if (one.is_random(field)) GTEST_SKIP() << "it is random";
  if (!field) {
    for (const int64_t steps : {1, 3}) {
      const double error = error_of(one, steps, field);
      if (std::isnan(error)) GTEST_SKIP() << "it cannot be used";
      EXPECT_LT(error, 1e-9) << who << " does not end where the exact map ends, which any composition of it does.";
    }
    return;
  }
  if (one.traits.adaptive) {
    const double error = error_of(one, 1, field);
    if (std::isnan(error)) GTEST_SKIP() << "it cannot be used";
    EXPECT_LT(error, 1e-2) << who << " does not end where the exact flow ends.";
    return;
  }
  const double coarse = error_of(one, 64, field), fine = error_of(one, 128, field);
  if (std::isnan(coarse) || std::isnan(fine)) GTEST_SKIP() << "it cannot be used";
  EXPECT_LT(fine, 0.1) << who << " does not end where the exact flow ends, with 128 steps.";
  EXPECT_TRUE(fine < 0.65 * coarse || fine < 1e-9)
      << who << " does not converge: its error is " << coarse << " with 64 steps and " << fine << " with 128.";
}

void leaves_its_inputs_alone(const std::string& who, const SamplerCase& one, bool field) {
  const Sampled sampled = one.run(3, field);
  if (!sampled.error.empty()) GTEST_SKIP() << sampled.error;
  EXPECT_FALSE(sampled.writes) << who << " writes to x_0, which other models start from too: work on a new tensor.";
  for (const Point& point : sampled.points) {
    EXPECT_TRUE(sampled.writes || at::equal(point.x, point.as_given))
        << who << ": the point at t = " << point.t
        << " was written to after it was given: hand out a new tensor each time.";
  }
}

void takes_a_batch_of_one(const std::string& who, const SamplerCase& one, bool field) {
  const Sampled whole = one.run(3, field);
  if (!usable(whole, noise(one.data, 4))) GTEST_SKIP() << "it cannot be used";
  if (!at::equal(whole.end(), one.run(3, field).end())) GTEST_SKIP() << "it does not repeat itself";
  Setting setting{noise(one.data, 4).narrow(0, 0, 1).clone(), one.evaluations(3), field};
  const Sampled alone = sample_once(*one.sampler, one.data, setting);
  ASSERT_EQ(alone.error, "") << who << " fails for a batch of one.";
  ASSERT_FALSE(alone.points.empty()) << who << " gives no point for a batch of one.";
  const double tolerance = one.traits.adaptive ? 1e-2 : 1e-9;  // its steps are those of all rows together
  EXPECT_LT(relative_error(alone.end(), whole.end().narrow(0, 0, 1)), tolerance)
      << who << ": a sample depends on which others are in its batch.";
}

void repeats_itself(const std::string& who, const SamplerCase& one, bool field) {
  const Sampled first = one.run(3, field), second = one.run(3, field);
  if (!usable(first, noise(one.data, 4)) || !usable(second, noise(one.data, 4))) GTEST_SKIP() << "it cannot be used";
  EXPECT_EQ(max_difference(first.end(), second.end()), 0)
      << who
      << " gives other samples for the same noise and stream: draw from in.stream() alone, and keep nothing from "
         "one call to the next.";
}

void asks_within_the_contract(const std::string& who, const SamplerCase& one, bool field) {
  const Sampled sampled = one.run(3, field);
  if (!sampled.error.empty()) GTEST_SKIP() << sampled.error;
  EXPECT_EQ(sampled.broken, "") << who << " asks a network what it need not answer.";
  EXPECT_EQ(sampled.unlabelled, "") << who << ": hand in.call() on in every question.";
}

std::vector<Tensor> exercise(Interface& component, const DataCase& data) {
  const auto& sampler = dynamic_cast<const Sampler&>(component);
  SamplerTraits traits;
  sampler.traits(traits);
  const int64_t evaluations = traits.adaptive ? kBound : 2 * std::max<int64_t>(1, traits.evaluations_per_step);
  const Sampled sampled = sample_once(sampler, data, {noise(data, 2), evaluations, traits.field});
  if (!sampled.error.empty()) throw std::runtime_error(sampled.error);
  std::vector<Tensor> values;
  for (const Point& point : sampled.points) values.push_back(point.as_given);
  return values;
}

}  // namespace

Checks sampler_checks() {
  Checks checks = common_checks(exercise);
  checks.push_back({"SaysWhatItWorksOn", says_what_it_works_on});
  const std::vector<std::pair<const char*, Body>> own = {
      {"EndsAtOne", ends_at_one},
      {"SpendsWhatItSays", spends_what_it_says},
      {"FollowsTheFlow", follows_the_flow},
      {"LeavesItsInputsAlone", leaves_its_inputs_alone},
      {"TakesABatchOfOne", takes_a_batch_of_one},
      {"RepeatsItself", repeats_itself},
      {"AsksWithinTheContract", asks_within_the_contract},
  };
  for (const auto& [name, body] : own) {
    checks.push_back({name, [body = body](const Subject& subject) { for_each_case(subject, body); }});
  }
  return checks;
}

}  // namespace ttfm::conformance
