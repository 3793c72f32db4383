// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "mlp.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/silu.h>
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <utility>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/conformance/student_checks.h>

namespace ttfm::student {
namespace {

using conformance::CollectedParameters;
using conformance::StudentInputs;

/// A small network in double with random weights, and arguments for it.
struct SmallMlp {
  explicit SmallMlp(std::vector<int64_t> shape = {2}, int64_t classes = 0, conformance::TestConfig::Values more = {})
      : student(make(std::move(more), shape, classes)),
        weights(*student),
        inputs(conformance::student_inputs(1, 3, shape, classes)) {
    weights.convert(at::kDouble);
    weights.randomise(2);
  }

  static std::unique_ptr<Mlp> make(conformance::TestConfig::Values values, const std::vector<int64_t>& shape,
                                   int64_t classes) {
    values.insert({{"width", "8"}, {"depth", "2"}, {"frequencies", "3"}, {"label_dim", "4"}});
    return conformance::make<Mlp>(values, shape, classes);
  }

  std::unique_ptr<Mlp> student;
  CollectedParameters weights;
  StudentInputs inputs;
};

TEST(Mlp, IsTheFormulaOfItsReadme) {
  const SmallMlp mlp({2}, 3);
  const auto layer = [&](const Tensor& a, const std::string& name) {
    return at::linear(a, mlp.weights[name + ".weight"], mlp.weights[name + ".bias"]);
  };
  std::vector<Tensor> parts{mlp.inputs.x};
  for (const Tensor& tau : {mlp.inputs.s, mlp.inputs.t}) {
    for (int k = 1; k <= 3; ++k) parts.push_back((k * std::numbers::pi / 2 * tau).sin().unsqueeze(1));
    for (int k = 1; k <= 3; ++k) parts.push_back((k * std::numbers::pi / 2 * tau).cos().unsqueeze(1));
  }
  parts.push_back(mlp.weights["label.weight"].index_select(0, mlp.inputs.call.label));

  const Tensor expected = layer(at::silu(layer(at::silu(layer(at::cat(parts, 1), "hidden.0")), "hidden.1")), "out");

  const Tensor u = mlp.student->velocity(mlp.inputs.x, mlp.inputs.s, mlp.inputs.t, mlp.inputs.call);
  EXPECT_LT(conformance::relative_error(u, expected), 1e-6);  // the table of frequencies is made in float
}

TEST(Mlp, TakesAnyShapeAndBatch) {
  for (const auto& shape : {std::vector<int64_t>{1}, {2}, {3, 5}, {2, 3, 4}}) {
    const SmallMlp mlp(shape);
    conformance::expect_keeps_the_contract(*mlp.student, mlp.inputs);
  }
}

TEST(Mlp, FlattensRowMajor) {
  SmallMlp image({2, 3, 4}), flat({24});
  for (const auto& weight : image.weights.all()) flat.weights[weight.name].set_data(*weight.value);

  const auto& [x, s, t, call] = image.inputs;
  const Tensor u = flat.student->velocity(x.flatten(1), s, t, call);
  EXPECT_EQ(conformance::max_difference(image.student->velocity(x, s, t, call).flatten(1), u), 0);
}

TEST(Mlp, TangentIsTheDerivative) {
  const SmallMlp mlp({3, 2}, 2);
  EXPECT_LT(conformance::dual_error(*mlp.student, mlp.inputs, conformance::student_direction(3, mlp.inputs)), 1e-6);
  EXPECT_LT(conformance::dual_error(*mlp.student, mlp.inputs, conformance::along_t(mlp.inputs)), 1e-6);
}

TEST(Mlp, GradientReachesEveryWeightThroughValueAndTangent) {
  const SmallMlp mlp({3, 2}, 2);
  for (const Direction& direction : {conformance::student_direction(3, mlp.inputs), conformance::along_t(mlp.inputs)}) {
    const auto [error, worst] = conformance::gradient_error(*mlp.student, mlp.weights, mlp.inputs, direction);
    EXPECT_LT(error, 1e-5) << worst;
  }
}

TEST(Mlp, TellsLabelsApart) {
  const SmallMlp mlp({2}, 3);
  conformance::expect_knows_labels(*mlp.student, mlp.inputs, 3);
}

TEST(Mlp, IgnoresLabelsWhenUnconditional) {
  const SmallMlp mlp({2}, 3, {{"conditional", "false"}});
  NetworkTraits traits;
  mlp.student->traits(traits);
  EXPECT_EQ(traits.classes, 0);
  EXPECT_EQ(
      conformance::max_difference(mlp.student->velocity(mlp.inputs.x, mlp.inputs.s, mlp.inputs.t, mlp.inputs.call),
                                  mlp.student->velocity(mlp.inputs.x, mlp.inputs.s, mlp.inputs.t, {})),
      0);
}

TEST(Mlp, DropsTheSameUnitsInPrimalAndTangent) {
  const SmallMlp mlp({2}, 0, {{"dropout", "0.4"}});
  conformance::expect_drops_consistently(*mlp.student, mlp.inputs);
}

TEST(Mlp, SaysWhatItCanDo) {
  NetworkTraits traits;
  SmallMlp({2}, 3).student->traits(traits);

  EXPECT_EQ(traits.classes, 3);
  EXPECT_TRUE(traits.dual && traits.x_gradient && traits.any_order && traits.stackable);
  EXPECT_FALSE(traits.guidance_input || traits.dropout);
}

TEST(Mlp, StartsUniformWithinOneOverRootFanIn) {
  const auto student = conformance::make<Mlp>();  // the defaults
  const CollectedParameters weights(*student);
  student->initialise(conformance::stream(4));

  for (const auto& [name, fan_in] : {std::pair{"hidden.0", 34.0}, {"hidden.1", 256.0}, {"hidden.2", 256.0}}) {
    const double bound = 1 / std::sqrt(fan_in);
    const Tensor weight = weights[std::string(name) + ".weight"], bias = weights[std::string(name) + ".bias"];
    EXPECT_LE(weight.abs().max().item<double>(), bound * (1 + 1e-6));
    EXPECT_LE(bias.abs().max().item<double>(), bound * (1 + 1e-6));
    EXPECT_NEAR(weight.std().item<double>(), bound / std::sqrt(3.0), 0.03 * bound);
    EXPECT_NEAR(bias.std().item<double>(), bound / std::sqrt(3.0), 0.1 * bound);
  }
}

TEST(Mlp, StartsTheSameFromTheSameStream) {
  const auto first = conformance::make<Mlp>(), second = conformance::make<Mlp>();
  const CollectedParameters weights(*first), again(*second);
  first->initialise(conformance::stream(4));
  second->initialise(conformance::stream(4));
  for (const auto& weight : weights.all()) EXPECT_EQ(conformance::max_difference(*weight.value, again[weight.name]), 0);

  second->initialise(conformance::stream(5));
  EXPECT_GT(conformance::max_difference(weights["out.weight"], again["out.weight"]), 0);
}

}  // namespace
}  // namespace ttfm::student
