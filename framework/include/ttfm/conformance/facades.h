// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The (H) types of the SDK out of functions, so that a loss or a sampler is tested without the host. What the host
// promises holds here too: a Field's weights and a stopped map record no gradient, rows of several queries are stacked.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ttfm/config.h>
#include <ttfm/flow/gaussian.h>
#include <ttfm/loss.h>
#include <ttfm/options.h>
#include <ttfm/sampler.h>
#include <ttfm/student.h>
#include <ttfm/teacher.h>

namespace ttfm::conformance {

/// v_t(x), as Field::velocity.
using FieldFunction = std::function<Tensor(const Tensor& x, const Tensor& t, const Call& call)>;
/// u_{s,t}(x), as FlowMap::velocity.
using MapFunction = std::function<Tensor(const Tensor& x, const Tensor& s, const Tensor& t, const Call& call)>;

/// A Field that owns its velocity v_t(x) and counts how it is asked.
class TestField {
 public:
  /// `traits` is what the field says of itself.
  explicit TestField(FieldFunction velocity, const NetworkTraits& traits = {});
  ~TestField();

  const Field& facade() const;  ///< what a loss is handed; valid as long as this
  int64_t calls() const;        ///< of velocity()
  int64_t rows() const;         ///< the sum of their batches
  const Tensor& times() const;  ///< t of the last call

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A FlowMap that owns its velocity u_{s,t}(x). The derivative is LibTorch's forward-mode AD of the same function, exact
/// for functions of elementary operations. `copy`: like a copy that the host made, it records no gradient at all.
class TestMap {
 public:
  /// `traits` is what the map says of itself.
  explicit TestMap(MapFunction velocity, bool copy = false, const NetworkTraits& traits = {});
  ~TestMap();

  const FlowMap& facade() const;  ///< what a loss is handed; valid as long as this
  int64_t calls() const;          ///< evaluations of the function, a derivative is one, stacked queries are one
  int64_t rows() const;           ///< the sum of their batches
  int64_t derivatives() const;    ///< how many of the calls were for a derivative

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A Field and a FlowMap from plugin objects, which must outlive them.
TestField field_of(const Teacher& teacher);
/// A FlowMap from a student, which must outlive it; `copy` as for TestMap.
TestMap map_of(const Student& student, bool copy = false);

/// The exact student of one Gaussian with a trainable error: the velocity is that of the exact flow map plus
///   g_0 + g_1 s + g_2 t + g_3 t (t-s) x,   g [4, ...], one for each element of a sample
/// so that g = 0 is the exact map, and the error depends on everything that an error can depend on.
struct PerturbedStudent {
  flow::Gaussian data;  ///< whose exact map is perturbed
  Tensor g;             ///< the error's coefficients, [4, ...]

  /// `scale` times standard normal numbers as g, which requires a gradient.
  PerturbedStudent(const flow::Gaussian& data, at::IntArrayRef sample, double scale, uint64_t seed = 1);

  /// u_{s,t}(x), differentiable in g.
  Tensor velocity(const Tensor& x, const Tensor& s, const Tensor& t) const;
  TestMap map(bool copy = false) const;  ///< shares g
};

/// What a loss is given. Null pointers are what it did not ask for.
struct LossSetup {
  Tensor x_0,                            /**< noise, [B, ...] */
      x_1;                               ///< data, like x_0
  const FlowMap* student = nullptr;      ///< LossInputs::student()
  const Field* teacher = nullptr;        ///< LossInputs::teacher()
  std::vector<const FlowMap*> copies{};  ///< LossInputs::copy(), at most 4
  Call call{};                           ///< LossInputs::call()
  uint64_t seed = 1;                     ///< of LossInputs::stream()
  int64_t step = 0,                      /**< LossInputs::step() */
      steps = 1;                         ///< LossInputs::steps()
};

/// What a loss gave back.
struct LossOutcome {
  Tensor total;                           ///< the sum of weight times mean of the terms, a scalar
  std::map<std::string, Tensor> terms;    ///< per sample, without weight
  std::map<std::string, double> weights;  ///< of the terms
  std::map<std::string, Tensor> records;  ///< of LossResult::record
  std::vector<uint32_t> refreshed;        ///< of LossResult::refresh_copy, in order

  double value() const;                        ///< of the total
  double mean(const std::string& term) const;  ///< of a term, without its weight
};

/// What Loss::compute gives back for this setup.
LossOutcome compute(const Loss& loss, const LossSetup& setup);

/// The stream that compute() hands to the loss.
Stream loss_stream(const LossSetup& setup);

/// d total / d parameter, zeros where the parameter was not reached.
Tensor gradient(const Tensor& total, const Tensor& parameter);

/// Whether the gradient of `total` reaches `parameter` at all.
bool reaches(const Tensor& total, const Tensor& parameter);

/// The states that a sampler gave, in order.
using Trajectory = std::vector<std::pair<double, Tensor>>;

/// Lets the sampler integrate `field` from `x_0` [B, ...] with that many evaluations.
Trajectory sample(const Sampler& sampler, const Tensor& x_0, int64_t evaluations, const Field& field,
                  const Call& call = {});
/// Lets the sampler compose `map` from `x_0` [B, ...] with that many evaluations.
Trajectory sample(const Sampler& sampler, const Tensor& x_0, int64_t evaluations, const FlowMap& map,
                  const Call& call = {});

/// A Config from a table's defaults and overrides, both as TOML values: {{"step", "0.1"}, {"means", "[[1, 2], [3, 4]]"}}.
/// Knows types, not limits: the host's validation is tested elsewhere.
class TestConfig {
 public:
  using Values = std::map<std::string, std::string>;       ///< parameters and their values as TOML
  using Students = std::map<std::string, const FlowMap*>;  ///< parameters and the networks that they name

  /// Throws ttfm::Error (internal) for a key that the table does not have.
  explicit TestConfig(const ParamTable& table, const Values& overrides = {}, std::vector<int64_t> data_shape = {2},
                      int64_t data_classes = 0, const Students& students = {});
  ~TestConfig();

  const Config& facade() const;  ///< what a constructor is handed; valid as long as this

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A component as the host would make it from these values.
template <class Component>
std::unique_ptr<Component> make(const TestConfig::Values& overrides = {}, std::vector<int64_t> data_shape = {2},
                                int64_t data_classes = 0, const TestConfig::Students& students = {}) {
  using Options = typename Component::Options;
  const TestConfig config(param_table<Options>(), overrides, std::move(data_shape), data_classes, students);
  const Options options = read_options<Options>(config.facade());
  if constexpr (std::is_constructible_v<Component, const Options&, const Config&>) {
    return std::make_unique<Component>(options, config.facade());
  } else {
    return std::make_unique<Component>(options);
  }
}

}  // namespace ttfm::conformance
