// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "dit.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/pixel_shuffle.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>

#include <cmath>
#include <memory>
#include <utility>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/numbers.h>
#include <ttfm/conformance/student_checks.h>

namespace ttfm::student {
namespace {

using conformance::CollectedParameters;
using conformance::StudentInputs;
using Values = conformance::TestConfig::Values;

/// A small network in double with random weights, and arguments for it.
struct SmallDiT {
  explicit SmallDiT(std::vector<int64_t> shape = {1, 4, 4}, int64_t classes = 0, Values values = {})
      : student(make(std::move(values), shape, classes)),
        weights(*student),
        inputs(conformance::student_inputs(1, 2, shape, classes)) {
    weights.convert(at::kDouble);
    weights.randomise(2);
  }

  static std::unique_ptr<DiT> make(Values values, const std::vector<int64_t>& shape, int64_t classes) {
    values.insert({{"width", "8"}, {"depth", "2"}, {"heads", "2"}, {"mlp_ratio", "2"}});
    return conformance::make<DiT>(values, shape, classes);
  }

  Tensor velocity() const { return student->velocity(inputs.x, inputs.s, inputs.t, inputs.call); }

  std::unique_ptr<DiT> student;
  CollectedParameters weights;
  StudentInputs inputs;
};

std::string refusal(const Values& values, const std::vector<int64_t>& shape = {1, 28, 28}) {
  return conformance::error_text([&] { conformance::make<DiT>(values, shape); });
}

/// The formulas of the README in LibTorch's own functions, for the small defaults.
struct Reference {
  const CollectedParameters& weights;

  Tensor linear(const Tensor& x, const std::string& name) const {
    return at::linear(x, weights[name + ".weight"], weights[name + ".bias"]);
  }
  Tensor time(const Tensor& tau, const std::string& name) const {
    const Tensor angle = tau.unsqueeze(1) * weights[name + ".frequencies"];
    return linear(at::silu(linear(at::cat({angle.sin(), angle.cos()}, 1), name + ".in")), name + ".out");
  }
  /// b, a, g, ... of every token.
  Tensor modulation(const Tensor& c, const std::string& name, int64_t i) const {
    return linear(c, name).unsqueeze(1).narrow(2, 8 * i, 8);
  }
  Tensor norm(const Tensor& h, const Tensor& shift, const Tensor& scale) const {
    return (1 + scale) * at::layer_norm(h, {8}, {}, {}, 1e-6) + shift;
  }
  Tensor attention(const Tensor& h, const std::string& name) const {
    const Tensor qkv = linear(h, name + ".qkv").view({h.size(0), -1, 3, 2, 4});  // two heads
    const Tensor q = qkv.select(2, 0).transpose(1, 2), k = qkv.select(2, 1).transpose(1, 2);
    const Tensor mixed = at::matmul(at::softmax(at::matmul(q, k.mT()) / 2, -1), qkv.select(2, 2).transpose(1, 2));
    return linear(mixed.transpose(1, 2).reshape(h.sizes()), name + ".out");
  }

  Tensor velocity(const StudentInputs& at) const {
    const Tensor label = weights["label.weight"].index_select(0, at.call.label);
    const Tensor c = at::silu(time(at.s, "embed_s") + time(at.t, "embed_t") + label);
    const int64_t channels = at.x.size(1), rows = at.x.size(2) / 2;
    // a linear layer on patches is a convolution whose stride is the size of a patch
    const Tensor kernel = weights["embed_patch.weight"].view({8, channels, 2, 2});
    Tensor h = at::conv2d(at.x, kernel, weights["embed_patch.bias"], 2).flatten(2).mT() + weights["position"];
    for (const std::string block : {"blocks.0", "blocks.1"}) {
      const auto m = [&](int64_t i) { return modulation(c, block + ".modulation", i); };
      h = h + m(2) * attention(norm(h, m(0), m(1)), block + ".attention");
      const Tensor hidden = at::gelu(linear(norm(h, m(3), m(4)), block + ".mlp_in"), "tanh");
      h = h + m(5) * linear(hidden, block + ".mlp_out");
    }
    const Tensor tokens = linear(norm(h, modulation(c, "modulation", 0), modulation(c, "modulation", 1)), "out");
    return at::pixel_shuffle(tokens.mT().reshape({at.x.size(0), 4 * channels, rows, -1}), 2);
  }
};

TEST(DiT, IsTheFormulaOfItsReadme) {
  const SmallDiT dit({2, 4, 6}, 3);
  EXPECT_LT(conformance::relative_error(dit.velocity(), Reference{dit.weights}.velocity(dit.inputs)), 1e-12);
}

TEST(DiT, TakesAnyChannelsSizeAndBatch) {
  for (const auto& shape : {std::vector<int64_t>{1, 4, 4}, {3, 6, 2}, {2, 7, 5}, {1, 1, 9}}) {
    const SmallDiT dit(shape);
    conformance::expect_keeps_the_contract(*dit.student, dit.inputs);
  }
}

TEST(DiT, PadsWithZerosBelowAndOnTheRightAndCropsBack) {
  const SmallDiT cropped({2, 7, 5}, 0, {{"patch", "3"}});
  SmallDiT whole({2, 9, 6}, 0, {{"patch", "3"}});
  for (const auto& weight : cropped.weights.all()) whole.weights[weight.name].set_data(*weight.value);

  const auto& [x, s, t, call] = cropped.inputs;
  const Tensor u = whole.student->velocity(at::constant_pad_nd(x, {0, 1, 0, 2}), s, t, call);
  EXPECT_EQ(conformance::max_difference(cropped.velocity(), u.narrow(2, 0, 7).narrow(3, 0, 5)), 0);
}

TEST(DiT, TangentIsTheDerivative) {
  const SmallDiT whole({2, 4, 6}, 3), padded({1, 7, 5}, 0, {{"patch", "3"}, {"depth", "3"}, {"heads", "4"}});
  for (const SmallDiT* dit : {&whole, &padded}) {
    const StudentInputs& inputs = dit->inputs;
    EXPECT_LT(conformance::dual_error(*dit->student, inputs, conformance::student_direction(3, inputs)), 1e-6);
    EXPECT_LT(conformance::dual_error(*dit->student, inputs, conformance::along_t(inputs)), 1e-6);
  }
}

TEST(DiT, GradientReachesEveryWeightThroughValueAndTangent) {
  const SmallDiT dit({1, 3, 4}, 2);
  for (const Direction& direction : {conformance::student_direction(3, dit.inputs), conformance::along_t(dit.inputs)}) {
    const auto [error, worst] = conformance::gradient_error(*dit.student, dit.weights, dit.inputs, direction);
    EXPECT_LT(error, 1e-5) << worst;
  }
}

TEST(DiT, KnowsWhereAPatchIs) {
  const SmallDiT dit({1, 4, 4});
  const auto& [x, s, t, call] = dit.inputs;
  // without positions a transformer commutes with a swap of the patches' rows
  const Tensor swapped = dit.student->velocity(x.roll({2}, {2}), s, t, call).roll({2}, {2});
  EXPECT_GT(conformance::relative_error(swapped, dit.velocity()), 1e-3);

  dit.weights["position"].zero_();
  const Tensor blind = dit.student->velocity(x.roll({2}, {2}), s, t, call).roll({2}, {2});
  EXPECT_LT(conformance::relative_error(blind, dit.velocity()), 1e-12);
}

TEST(DiT, TellsLabelsApart) {
  const SmallDiT dit({1, 4, 4}, 3);
  conformance::expect_knows_labels(*dit.student, dit.inputs, 3);
}

TEST(DiT, IgnoresLabelsWhenUnconditional) {
  const SmallDiT dit({1, 4, 4}, 3, {{"conditional", "false"}});
  NetworkTraits traits;
  dit.student->traits(traits);
  EXPECT_EQ(traits.classes, 0);
  EXPECT_EQ(
      conformance::max_difference(dit.velocity(), dit.student->velocity(dit.inputs.x, dit.inputs.s, dit.inputs.t, {})),
      0);
}

TEST(DiT, DropsTheSameNumbersInPrimalAndTangent) {
  const SmallDiT dit({1, 4, 4}, 0, {{"dropout", "0.4"}});
  conformance::expect_drops_consistently(*dit.student, dit.inputs);
}

TEST(DiT, DropsInAttentionAsInTheMlp) {
  for (const int64_t silent_gate : {2, 5}) {  // of attention; of the MLP
    const SmallDiT dit({1, 4, 4}, 0, {{"dropout", "0.4"}});
    for (const char* block : {"blocks.0", "blocks.1"}) {
      const std::string name = std::string(block) + ".modulation";
      dit.weights[name + ".weight"].narrow(0, 8 * silent_gate, 8).zero_();
      dit.weights[name + ".bias"].narrow(0, 8 * silent_gate, 8).zero_();
    }
    const Stream mask = conformance::stream(1, at::kDouble);
    Call dropped;
    dropped.dropout = &mask;
    const auto& [x, s, t, call] = dit.inputs;
    EXPECT_GT(conformance::relative_error(dit.student->velocity(x, s, t, dropped), dit.velocity()), 1e-3)
        << silent_gate;
  }
}

TEST(DiT, SaysWhatItCanDo) {
  NetworkTraits traits;
  SmallDiT({1, 4, 4}, 3).student->traits(traits);

  EXPECT_EQ(traits.classes, 3);
  EXPECT_TRUE(traits.dual && traits.x_gradient && traits.any_order && traits.stackable);
  EXPECT_FALSE(traits.guidance_input || traits.dropout);
}

TEST(DiT, StartsAsZeroWithBlocksThatAreTheIdentity) {
  const SmallDiT dit({1, 4, 4});
  dit.student->initialise(conformance::stream(4, at::kDouble));
  for (const char* name : {"blocks.0.modulation", "blocks.1.modulation", "modulation", "out"}) {
    EXPECT_EQ(dit.weights[std::string(name) + ".weight"].abs().max().item<double>(), 0) << name;
    EXPECT_EQ(dit.weights[std::string(name) + ".bias"].abs().max().item<double>(), 0) << name;
  }
  EXPECT_EQ(dit.velocity().abs().max().item<double>(), 0);

  // with blocks that are the identity, the number of blocks does not matter
  dit.weights["out.weight"].fill_(0.1);
  const SmallDiT deeper({1, 4, 4}, 0, {{"depth", "5"}});
  deeper.student->initialise(conformance::stream(4, at::kDouble));
  deeper.weights["out.weight"].fill_(0.1);
  EXPECT_GT(dit.velocity().abs().max().item<double>(), 0);
  EXPECT_EQ(conformance::max_difference(dit.velocity(), deeper.velocity()), 0);
}

TEST(DiT, RefusesDataThatAreNoImages) {
  EXPECT_EQ(refusal({}, {2}),
            "student dit: the data's samples have shape [2], but a DiT works on images, [channels, height, width]; for "
            "other data use type = \"mlp\"");
}

TEST(DiT, RefusesHeadsThatDoNotDivideItsWidth) {
  EXPECT_EQ(refusal({{"heads", "3"}}), "student dit: heads = 3 does not divide width = 256");
}

TEST(DiT, RefusesAWidthThatPositionsCannotShare) {
  EXPECT_EQ(refusal({{"width", "6"}, {"heads", "2"}}),
            "student dit: width = 6 is not a multiple of 4: sines and cosines of row and column share it");
}

TEST(DiT, RefusesAPatchLargerThanTheImage) {
  EXPECT_EQ(refusal({{"patch", "32"}}),
            "student dit: patch = 32 is larger than the images of 28 x 28; a patch is a part of an image");
}

}  // namespace
}  // namespace ttfm::student
