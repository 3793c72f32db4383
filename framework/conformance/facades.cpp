// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/conformance/facades.h>

#include <ATen/ops/_make_dual.h>
#include <ATen/ops/_unpack_dual.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <nlohmann/json.hpp>

#include <optional>

#include <ttfm/conformance/numbers.h>
#include <ttfm/error.h>
#include <ttfm/teacher.h>

#include "facade/impl.h"

namespace ttfm::conformance {
namespace {

/// One of LibTorch's forward-mode levels, of which there is one in the process.
class DualLevel {
 public:
  DualLevel() : level_(torch::autograd::forward_ad::enter_dual_level()) {}
  ~DualLevel() { torch::autograd::forward_ad::exit_dual_level(level_); }
  DualLevel(const DualLevel&) = delete;
  DualLevel& operator=(const DualLevel&) = delete;

  Tensor make(const Tensor& primal, const Tensor& tangent) const {
    return tangent.defined() ? at::_make_dual(primal, tangent, static_cast<int64_t>(level_)) : primal;
  }
  Dual unpack(const Tensor& dual) const {
    auto [primal, tangent] = at::_unpack_dual(dual, static_cast<int64_t>(level_));
    return {primal, tangent};
  }

 private:
  uint64_t level_;
};

/// Switches gradients off for the life of the guard if asked to.
std::optional<c10::AutoGradMode> no_grad_if(bool off) {
  return off ? std::optional<c10::AutoGradMode>(std::in_place, false) : std::nullopt;
}

}  // namespace

struct TestField::Impl final : Field::Impl {
  Impl(FieldFunction function, const NetworkTraits& traits) : function_(std::move(function)), traits_(traits) {}

  Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override {
    ++calls_;
    rows_ += x.size(0);
    times_ = t;
    return function_(x, t, call);
  }
  void traits(NetworkTraits& out) const override { out = traits_; }

  FieldFunction function_;
  NetworkTraits traits_;
  mutable int64_t calls_ = 0, rows_ = 0;
  mutable Tensor times_;
  Field facade_{this};
};

TestField::TestField(FieldFunction velocity, const NetworkTraits& traits)
    : impl_(std::make_unique<Impl>(std::move(velocity), traits)) {}
TestField::~TestField() = default;
const Field& TestField::facade() const { return impl_->facade_; }
int64_t TestField::calls() const { return impl_->calls_; }
int64_t TestField::rows() const { return impl_->rows_; }
const Tensor& TestField::times() const { return impl_->times_; }

struct TestMap::Impl final : FlowMap::Impl {
  /// u_{t,t} of the map, without gradients into the weights, which are not known here: it records none at all.
  struct Diagonal final : Field::Impl {
    explicit Diagonal(const TestMap::Impl& map) : map_(map) {}
    Tensor velocity(const Tensor& x, const Tensor& t, const Call& call) const override {
      const c10::AutoGradMode off(false);
      return map_.velocity(x, t, t, call);
    }
    void traits(NetworkTraits& out) const override { map_.traits(out); }
    const TestMap::Impl& map_;
  };

  Impl(MapFunction function, bool copy, const NetworkTraits& traits)
      : function_(std::move(function)), copy_(copy), traits_(traits) {
    if (!copy) stopped_ = std::make_unique<Impl>(function_, true, traits);
  }

  Tensor evaluate(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const {
    ++calls_;
    rows_ += x.size(0);
    return function_(x, s, t, call);
  }
  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) const override {
    const auto guard = no_grad_if(copy_);
    return evaluate(x, s, t, call);
  }
  Dual derivative(const Tensor& x, const Tensor& s, const Tensor& t, const Direction& direction,
                  const Call& call) const override {
    const auto guard = no_grad_if(copy_);
    const DualLevel level;
    ++derivatives_;
    return level.unpack(
        evaluate(level.make(x, direction.dx), level.make(s, direction.ds), level.make(t, direction.dt), call));
  }
  void velocities(const Query* queries, size_t count, Tensor* out) const override {
    std::vector<Tensor> x, s, t, label, guidance;
    for (size_t i = 0; i < count; ++i) {
      x.push_back(queries[i].x);
      s.push_back(queries[i].s);
      t.push_back(queries[i].t);
      if (queries[i].call->label.defined()) label.push_back(queries[i].call->label);
      if (queries[i].call->guidance.defined()) guidance.push_back(queries[i].call->guidance);
    }
    Call call = *queries[0].call;
    if (!label.empty()) call.label = at::cat(label);
    if (!guidance.empty()) call.guidance = at::cat(guidance);
    const Tensor u = velocity(at::cat(x), at::cat(s), at::cat(t), call);
    int64_t row = 0;
    for (size_t i = 0; i < count; row += queries[i].x.size(0), ++i) out[i] = u.narrow(0, row, queries[i].x.size(0));
  }
  const Field::Impl* diagonal() const override { return &diagonal_; }
  const FlowMap::Impl* stopped() const override { return copy_ ? this : stopped_.get(); }
  void traits(NetworkTraits& out) const override { out = traits_; }

  MapFunction function_;
  bool copy_;
  NetworkTraits traits_;
  std::unique_ptr<Impl> stopped_;
  Diagonal diagonal_{*this};
  mutable int64_t calls_ = 0, rows_ = 0, derivatives_ = 0;
  FlowMap facade_{this};
};

TestMap::TestMap(MapFunction velocity, bool copy, const NetworkTraits& traits)
    : impl_(std::make_unique<Impl>(std::move(velocity), copy, traits)) {}
TestMap::~TestMap() = default;
const FlowMap& TestMap::facade() const { return impl_->facade_; }
// evaluations through stopped() are the map's as well
int64_t TestMap::calls() const { return impl_->calls_ + (impl_->stopped_ ? impl_->stopped_->calls_ : 0); }
int64_t TestMap::rows() const { return impl_->rows_ + (impl_->stopped_ ? impl_->stopped_->rows_ : 0); }
int64_t TestMap::derivatives() const {
  return impl_->derivatives_ + (impl_->stopped_ ? impl_->stopped_->derivatives_ : 0);
}

TestField field_of(const Teacher& teacher) {
  NetworkTraits traits;
  teacher.traits(traits);
  return TestField(
      [&teacher](const Tensor& x, const Tensor& t, const Call& call) { return teacher.velocity(x, t, call); }, traits);
}

TestMap map_of(const Student& student, bool copy) {
  NetworkTraits traits;
  student.traits(traits);
  const auto velocity = [&student](const Tensor& x, const Tensor& s, const Tensor& t, const Call& call) {
    return student.velocity(x, s, t, call);
  };
  return TestMap(velocity, copy, traits);
}

PerturbedStudent::PerturbedStudent(const flow::Gaussian& of, at::IntArrayRef sample, double scale, uint64_t seed)
    : data(of) {
  std::vector<int64_t> shape = {4};
  shape.insert(shape.end(), sample.begin(), sample.end());
  g = (scale * stream(seed, at::kDouble).child("perturbation").normal(shape)).requires_grad_();
}

Tensor PerturbedStudent::velocity(const Tensor& x, const Tensor& s, const Tensor& t) const {
  const Tensor row_s = flow::per_row(s, x), row_t = flow::per_row(t, x);
  const Tensor error = g[0] + g[1] * row_s + g[2] * row_t + g[3] * row_t * (row_t - row_s) * x;
  return data.average_velocity(x, s, t) + error;
}

TestMap PerturbedStudent::map(bool copy) const {
  return TestMap(
      [self = *this](const Tensor& x, const Tensor& s, const Tensor& t, const Call&) { return self.velocity(x, s, t); },
      copy);
}

namespace {

struct Collector final : LossResult::Impl {
  void add(Name term, const Tensor& per_sample, double weight) override {
    EXPECT_EQ(per_sample.dim(), 1) << "a term is given per sample: " << term;
    out.terms[std::string(term)] = per_sample;
    out.weights[std::string(term)] = weight;
    const Tensor part = weight * per_sample.mean();
    out.total = out.total.defined() ? out.total + part : part;
  }
  void record(Name name, const Tensor& value) override { out.records[std::string(name)] = value; }
  void refresh_copy(uint32_t i) override { out.refreshed.push_back(i); }
  LossOutcome out;
};

struct Points final : SampleResult::Impl {
  void point(double t, const Tensor& x) override { trajectory.emplace_back(t, x); }
  Trajectory trajectory;
};

Trajectory run_sampler(const Sampler& sampler, SampleInputs::Impl& inputs, const Call& call) {
  const c10::AutoGradMode off(false);
  const Stream noise = stream(1, inputs.x_0.scalar_type());
  inputs.call = &call;
  inputs.stream = &noise;
  Points points;
  sampler.sample(SampleInputs(&inputs), SampleResult(&points));
  return points.trajectory;
}

}  // namespace

double LossOutcome::value() const { return total.item<double>(); }
double LossOutcome::mean(const std::string& term) const { return terms.at(term).mean().item<double>(); }

Stream loss_stream(const LossSetup& setup) { return stream(setup.seed, setup.x_0.scalar_type()).child("loss"); }

LossOutcome compute(const Loss& loss, const LossSetup& setup) {
  const Stream randomness = loss_stream(setup);
  LossInputs::Impl inputs;
  inputs.x_0 = setup.x_0;
  inputs.x_1 = setup.x_1;
  inputs.call = &setup.call;
  inputs.stream = &randomness;
  inputs.step = setup.step;
  inputs.steps = setup.steps;
  inputs.student = setup.student;
  inputs.teacher = setup.teacher;
  std::copy(setup.copies.begin(), setup.copies.end(), inputs.copies);
  Collector collector;
  loss.compute(LossInputs(&inputs), LossResult(&collector));
  return collector.out;
}

Tensor gradient(const Tensor& total, const Tensor& parameter) {
  if (!total.requires_grad()) return at::zeros_like(parameter);
  const auto found = torch::autograd::grad({total}, {parameter}, {}, /*retain_graph=*/true, /*create_graph=*/false,
                                           /*allow_unused=*/true);
  return found[0].defined() ? found[0] : at::zeros_like(parameter);
}

bool reaches(const Tensor& total, const Tensor& parameter) {
  if (!total.requires_grad()) return false;
  return torch::autograd::grad({total}, {parameter}, {}, true, false, true)[0].defined();
}

Trajectory sample(const Sampler& sampler, const Tensor& x_0, int64_t evaluations, const Field& field,
                  const Call& call) {
  SampleInputs::Impl inputs;
  inputs.x_0 = x_0;
  inputs.evaluations = evaluations;
  inputs.field = &field;
  return run_sampler(sampler, inputs, call);
}

Trajectory sample(const Sampler& sampler, const Tensor& x_0, int64_t evaluations, const FlowMap& map,
                  const Call& call) {
  SampleInputs::Impl inputs;
  inputs.x_0 = x_0;
  inputs.evaluations = evaluations;
  inputs.flow_map = &map;
  return run_sampler(sampler, inputs, call);
}

struct TestConfig::Impl final : Config::Impl {
  struct Entry {
    nlohmann::json value;
    std::string text;
    std::vector<int64_t> integers;
    std::vector<double> numbers;
  };

  static Entry parse(const std::string& key, const std::string& toml) {
    Entry entry;
    // bools, numbers, strings and lists are written alike in TOML and JSON
    entry.value = nlohmann::json::parse(toml, nullptr, /*allow_exceptions=*/false);
    if (entry.value.is_discarded()) throw Error(ErrorKind::internal, "TestConfig: " + key + " = " + toml);
    if (entry.value.is_string()) entry.text = entry.value.get<std::string>();
    for (const auto& row : entry.value.is_array() ? entry.value : nlohmann::json::array()) {
      for (const auto& number : row.is_array() ? row : nlohmann::json::array({row})) {
        entry.numbers.push_back(number.get<double>());
        if (number.is_number_integer()) entry.integers.push_back(number.get<int64_t>());
      }
    }
    return entry;
  }

  const Entry& at(Name key) const {
    const auto found = entries.find(std::string(key));
    if (found == entries.end()) throw Error(ErrorKind::internal, "TestConfig: no value for " + std::string(key));
    return found->second;
  }

  bool has(Name key) const override { return entries.count(std::string(key)) > 0; }
  bool flag(Name key) const override { return at(key).value.get<bool>(); }
  int64_t integer(Name key) const override { return at(key).value.get<int64_t>(); }
  double number(Name key) const override { return at(key).value.get<double>(); }
  Name text(Name key) const override { return at(key).text; }
  at::ArrayRef<int64_t> integers(Name key) const override { return at(key).integers; }
  at::ArrayRef<double> numbers(Name key) const override { return at(key).numbers; }
  int64_t rows(Name key) const override { return static_cast<int64_t>(at(key).value.size()); }
  const FlowMap& student(Name key) const override {
    const auto found = students.find(std::string(key));
    if (found == students.end()) throw Error(ErrorKind::internal, "TestConfig: no student " + std::string(key));
    return *found->second;
  }
  at::IntArrayRef data_shape() const override { return shape; }
  int64_t data_classes() const override { return classes; }

  std::map<std::string, Entry> entries;
  Students students;
  std::vector<int64_t> shape;
  int64_t classes = 0;
  Config facade{this};
};

TestConfig::TestConfig(const ParamTable& table, const Values& overrides, std::vector<int64_t> data_shape,
                       int64_t data_classes, const Students& students)
    : impl_(std::make_unique<Impl>()) {
  Values left = overrides;
  for (const ttfm_param_v1& row : table.rows()) {
    const auto given = left.find(row.name);
    if (given != left.end()) {
      impl_->entries[row.name] = Impl::parse(row.name, given->second);
      left.erase(given);
    } else if (row.default_toml) {
      impl_->entries[row.name] = Impl::parse(row.name, row.default_toml);
    }
  }
  if (!left.empty()) throw Error(ErrorKind::internal, "TestConfig: the table has no " + left.begin()->first);
  impl_->students = students;
  impl_->shape = std::move(data_shape);
  impl_->classes = data_classes;
}
TestConfig::~TestConfig() = default;
const Config& TestConfig::facade() const { return impl_->facade; }

}  // namespace ttfm::conformance
