// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/parameters.h>
#include <ttfm/conformance/student_checks.h>
#include <ttfm/nn/activation.h>
#include <ttfm/nn/attention.h>
#include <ttfm/nn/conv.h>
#include <ttfm/nn/embedding.h>
#include <ttfm/nn/network_student.h>
#include <ttfm/nn/norm.h>

#include "framework/nn/samples.h"

namespace ttfm {
namespace {

using test::normal;

/// u = Linear(silu(Linear(x) + embedding of s - embedding of t))
struct SmallNet {
  nn::Linear in{3, 5};
  nn::Linear out{5, 3, nn::Init::zeros()};
  nn::TimeEmbedding time{nn::harmonic_frequencies(2, 1.5), 5};

  void traits(NetworkTraits& traits) const { traits.any_order = true; }

  void parameters(const nn::Scope& scope) {
    in.parameters(scope / "in");
    time.parameters(scope / "time" / 0);
    out.parameters(scope / "out");
  }

  template <nn::Value V>
  V forward(const V& x, const V& s, const V& t, const Call&) const {
    return out(nn::silu(in(x) + time(s) - time(t)));
  }
};

/// One of each layer that has weights.
struct EveryLayer {
  nn::SelfAttention attention{4, 2};
  nn::Conv2d conv{1, 2, {}};
  nn::GroupNorm group_norm{1, 2};
  nn::LabelEmbedding label{3, 4};
  nn::LayerNorm layer_norm{4};

  void parameters(const nn::Scope& scope) {
    attention.parameters(scope / "attention");
    conv.parameters(scope / "conv");
    group_norm.parameters(scope / "group_norm");
    label.parameters(scope / "label");
    layer_norm.parameters(scope / "layer_norm");
  }

  template <nn::Value V>
  V forward(const V& x, const V&, const V&, const Call&) const {
    return x;
  }
};

using SmallStudent = nn::NetworkStudent<SmallNet>;

TEST(Scope, NamesWeightsAndTheirFlags) {
  SmallStudent student;
  const conformance::CollectedParameters weights(student);

  std::vector<std::string> names;
  for (const auto& weight : weights.all()) names.push_back(weight.name);

  EXPECT_EQ(names, (std::vector<std::string>{"in.weight", "in.bias", "time.0.frequencies", "time.0.in.weight",
                                             "time.0.in.bias", "time.0.out.weight", "time.0.out.bias", "out.weight",
                                             "out.bias"}));
  EXPECT_EQ(weights.trained().size(), 8U);
  for (const auto& weight : weights.trained()) {
    const bool bias = weight.name.ends_with("bias");
    EXPECT_EQ(weight.flags, bias ? parameter_flag::kNoDecay : 0U) << weight.name;
  }
}

TEST(Scope, ReachesEveryWeightOfEveryLayer) {
  nn::NetworkStudent<EveryLayer> student;
  const conformance::CollectedParameters weights(student);

  std::vector<std::string> decayed, kept;
  for (const auto& weight : weights.trained()) {
    ((weight.flags & parameter_flag::kNoDecay) != 0 ? kept : decayed).push_back(weight.name);
  }

  EXPECT_EQ(decayed, (std::vector<std::string>{"attention.qkv.weight", "attention.out.weight", "conv.weight"}));
  EXPECT_EQ(kept,
            (std::vector<std::string>{"attention.qkv.bias", "attention.out.bias", "conv.bias", "group_norm.weight",
                                      "group_norm.bias", "label.weight", "layer_norm.weight", "layer_norm.bias"}));
  student.initialise(conformance::stream(1));
  EXPECT_EQ(conformance::max_difference(weights["group_norm.weight"], at::ones({2})), 0);
}

TEST(Scope, FillsEachWeightFromItsOwnStream) {
  SmallStudent a, b;
  const conformance::CollectedParameters first(a), second(b);
  a.initialise(conformance::stream(3));
  b.initialise(conformance::stream(3));

  EXPECT_EQ(conformance::max_difference(first["in.weight"], second["in.weight"]), 0);
  EXPECT_EQ(conformance::max_difference(first["out.weight"], at::zeros({3, 5})), 0);
  EXPECT_LE(first["in.weight"].abs().max().item<float>(), 1 / std::sqrt(3.0F));
  nn::Linear alone(3, 5);
  alone.parameters(nn::Scope(conformance::stream(3)) / "in");
  EXPECT_EQ(conformance::max_difference(alone.weight, first["in.weight"]), 0);
  alone.parameters(nn::Scope(conformance::stream(3)) / "elsewhere");
  EXPECT_GT(conformance::max_difference(alone.weight, first["in.weight"]), 0);
  b.initialise(conformance::stream(4));
  EXPECT_GT(conformance::max_difference(first["in.weight"], second["in.weight"]), 0);
}

TEST(Scope, FillsBuffersAndTheWeightsOfAnyDtype) {
  SmallStudent student;
  conformance::CollectedParameters weights(student);
  weights.convert(at::kDouble);
  weights["time.0.frequencies"].fill_(-1);

  student.initialise(conformance::stream(3));

  EXPECT_NEAR(weights["time.0.frequencies"][1].item<double>(), 3.0, 1e-12);
  EXPECT_EQ(weights["in.weight"].scalar_type(), at::kDouble);
}

TEST(Init, HasTheStatedSpread) {
  const auto filled = [](nn::Init init, at::IntArrayRef shape) {
    Tensor value = nn::weight(shape);
    init.fill(value, conformance::stream(5));
    return value;
  };
  const auto largest = [](const Tensor& x) { return x.abs().max().item<double>(); };

  EXPECT_NEAR(largest(filled(nn::Init::fan_in(), {40, 50, 2, 2})), 1 / std::sqrt(200.0), 1e-3);
  EXPECT_NEAR(largest(filled(nn::Init::xavier(2), {40, 50})), 2 * std::sqrt(6.0 / 90), 1e-2);
  EXPECT_NEAR(largest(filled(nn::Init::uniform(0.3), {2000})), 0.3, 1e-3);
  EXPECT_NEAR(filled(nn::Init::normal(0.02), {5000}).std().item<double>(), 0.02, 1e-3);
  EXPECT_NEAR(filled(nn::Init::fan_in(), {40, 50}).mean().item<double>(), 0, 0.01);
  EXPECT_EQ(largest(filled(nn::Init::ones(), {3}) - 1), 0);
}

TEST(Init, RefusesFansOfAVector) {
  Tensor vector = nn::weight({3});
  EXPECT_EQ(conformance::error_text([&] { nn::Init::fan_in().fill(vector, conformance::stream(1)); }),
            "nn::Init: a start by fans needs a weight [out, in, ...], got one with 1 dimension(s)");
}

TEST(NetworkStudent, GivesBothVelocitiesOutOfOneForward) {
  SmallStudent student;
  conformance::CollectedParameters weights(student);
  weights.convert(at::kDouble);
  weights.randomise(1);
  weights.record_gradients();
  const auto at = conformance::student_inputs(2, 4, {3});
  const auto direction = conformance::student_direction(3, at);

  EXPECT_LT(conformance::dual_error(student, at, direction), 1e-7);
  EXPECT_LT(conformance::gradient_error(student, weights, at, direction).error, 1e-6);
  conformance::expect_keeps_the_contract(student, at);
}

TEST(NetworkStudent, AsksTheNetForItsTraits) {
  NetworkTraits traits;
  SmallStudent().traits(traits);

  EXPECT_TRUE(traits.dual);
  EXPECT_TRUE(traits.x_gradient);
  EXPECT_TRUE(traits.any_order);
}

}  // namespace
}  // namespace ttfm
