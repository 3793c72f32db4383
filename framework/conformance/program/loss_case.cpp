// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "conformance/program/loss_case.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <ttfm/conformance/numbers.h>
#include <ttfm/flow/gaussian.h>
#include <ttfm/flow/interpolate.h>

#include "conformance/program/report.h"
#include "facade/impl.h"

namespace ttfm::conformance {
namespace {

/// N(m, 0.3^2) with m = (1.5, -0.7, 1.5, ...): far from the noise in place and in scale.
flow::Gaussian gaussian(const Tensor& x) {
  const Tensor row = at::arange(x[0].numel(), x.options()).remainder(2);
  return {(1.5 - 2.2 * row).view(x[0].sizes()), 0.3};
}

Tensor weights_of(uint64_t seed, const std::vector<int64_t>& sample) {
  std::vector<int64_t> shape{4};
  shape.insert(shape.end(), sample.begin(), sample.end());
  return 0.3 * stream(seed, at::kDouble).child("weights").normal(shape);
}

Tensor drawn(const char* name, uint64_t seed, c10::ScalarType dtype, int64_t batch,
             const std::vector<int64_t>& sample) {
  std::vector<int64_t> shape{batch};
  shape.insert(shape.end(), sample.begin(), sample.end());
  return stream(seed, at::kDouble).child(name).normal(shape).to(dtype);
}

struct Collector final : LossResult::Impl {
  explicit Collector(LossUse& use) : out(use) {}
  void add(Name term, const Tensor& per_sample, double weight) override {
    out.terms.push_back({std::string(term), per_sample, weight});
  }
  void record(Name, const Tensor&) override {}
  void refresh_copy(uint32_t) override {}
  LossUse& out;
};

}  // namespace

NetworkTraits LossCase::traits() const {
  NetworkTraits out;
  out.classes = data_.classes;
  out.dual = true;
  return out;
}

LossCase::LossCase(const Loss& loss, const DataCase& data, c10::ScalarType dtype, int64_t batch, uint64_t seed_)
    : g(weights_of(seed_, data.shape).requires_grad_()),
      x_0(drawn("x_0", seed_ + 3, dtype, batch, data.shape)),
      seed(seed_),
      data_(data),
      student_(
          [this](const Tensor& x, const Tensor& s, const Tensor& t, const Call& c) {
            ++asked.student;
            check_question("the student", x, s, t, c);
            return student_velocity(g, x, s, t);
          },
          false, traits()),
      teacher_(
          [this](const Tensor& x, const Tensor& t, const Call& c) {
            ++asked.teacher;
            if (x.requires_grad() && at::GradMode::is_enabled()) asked.teacher_records = true;
            check_question("the teacher", x, t, t, c);
            return gaussian(x).velocity(x, t);
          },
          traits()) {
  loss.needs(needs);
  const Tensor noise = drawn("x_1", seed_ + 3, dtype, batch, data.shape);
  const flow::Gaussian exact = gaussian(x_0);
  x_1 = exact.mean + exact.sigma * noise;
  if (data.classes > 0) call.label = at::arange(batch).remainder(data.classes);
  for (uint32_t i = 0; i < std::min<uint32_t>(needs.copies, 4); ++i) {
    copy_weights_.push_back(weights_of(seed_ + 10 + i, data.shape));
    copies_.push_back(std::make_unique<TestMap>(
        [this, i](const Tensor& x, const Tensor& s, const Tensor& t, const Call& c) {
          ++asked.copies[i];
          check_question("a copy of the student", x, s, t, c);
          return student_velocity(copy_weights_[i], x, s, t);
        },
        true, traits()));
  }
}

Tensor LossCase::student_velocity(const Tensor& weights, const Tensor& x, const Tensor& s, const Tensor& t) const {
  const Tensor w = weights.to(x.scalar_type()), row_s = flow::per_row(s, x), row_t = flow::per_row(t, x);
  const Tensor error = w[0] + w[1] * row_s + w[2] * row_t + w[3] * row_t * (row_t - row_s) * x;
  return gaussian(x).average_velocity(x, s, t) + error;
}

void LossCase::check_question(const char* who, const Tensor& x, const Tensor& s, const Tensor& t, const Call& c) {
  if (data_.classes > 0 && asked.unlabelled.empty()) {
    const bool labelled = c.label.defined() && c.label.dim() == 1 && c.label.size(0) == x.size(0) &&
                          c.label.scalar_type() == at::kLong && c.label.min().item<int64_t>() >= 0 &&
                          c.label.max().item<int64_t>() <= data_.classes;
    if (!labelled) asked.unlabelled = who;
  }
  if (!asked.broken.empty()) return;
  const auto broken = [&](const std::string& what) { asked.broken = std::string(who) + " is asked " + what; };
  if (x.dim() != x_0.dim() || x.sizes().slice(1) != x_0.sizes().slice(1)) {
    return broken("at x of shape " + shape_text(x.sizes()) + " where samples have " + shape_text(x_0.sizes().slice(1)));
  }
  for (const Tensor& time : {s, t}) {
    if (time.dim() != 1 || time.size(0) != x.size(0)) {
      return broken("with times of shape " + shape_text(time.sizes()) + " for " + std::to_string(x.size(0)) +
                    " rows: give one time for each row");
    }
    if (time.scalar_type() != x.scalar_type()) {
      return broken("with times of " + dtype_text(time.scalar_type()) + " and x of " + dtype_text(x.scalar_type()) +
                    ": give both one dtype");
    }
    if (time.min().item<double>() < 0 || time.max().item<double>() > 1) {
      return broken("at a time outside of [0, 1]: clamp it");
    }
  }
  if (x.scalar_type() != x_0.scalar_type()) {
    return broken("at x of " + dtype_text(x.scalar_type()) + " where x_0 has " + dtype_text(x_0.scalar_type()) +
                  ": give new tensors x_0's options");
  }
  if ((s > t).any().item<bool>()) broken("with s > t, which a student need not be defined for: order the times");
}

LossUse LossCase::use(const Loss& loss) {
  LossUse result;
  Stream::Impl randomness = stream(seed, x_0.scalar_type()).child("loss").impl();
  randomness.row_offset = first_row;
  const Stream numbers(randomness);
  LossInputs::Impl inputs;
  inputs.x_0 = x_0;
  if (needs.data) inputs.x_1 = x_1;
  inputs.call = &call;
  inputs.stream = &numbers;
  inputs.step = step;
  inputs.steps = steps;
  inputs.student = &student_.facade();
  if (needs.teacher) inputs.teacher = &teacher_.facade();
  for (size_t i = 0; i < copies_.size(); ++i) inputs.copies[i] = &copies_[i]->facade();
  Collector collector(result);
  result.error = thrown_by([&] { loss.compute(LossInputs(&inputs), LossResult(&collector)); });
  asked.derivatives = student_.derivatives();
  for (const Term& term : result.terms) {
    const Tensor part = term.weight * term.per_sample.mean();
    result.total = result.total.defined() ? result.total + part : part;
  }
  return result;
}

}  // namespace ttfm::conformance
