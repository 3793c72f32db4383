// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "unet.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
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

/// A small network in double with random weights, and arguments for it. `values` come before the small defaults.
struct SmallUNet {
  explicit SmallUNet(std::vector<int64_t> shape = {1, 4, 4}, int64_t classes = 0, Values values = {})
      : student(make(std::move(values), shape, classes)),
        weights(*student),
        inputs(conformance::student_inputs(1, 2, shape, classes)) {
    weights.convert(at::kDouble);
    weights.randomise(2);
  }

  static std::unique_ptr<UNet> make(Values values, const std::vector<int64_t>& shape, int64_t classes) {
    values.insert({{"channels", "4"},
                   {"multipliers", "[1, 2]"},
                   {"blocks", "1"},
                   {"attention", "[1]"},
                   {"heads", "2"},
                   {"groups", "2"}});
    return conformance::make<UNet>(values, shape, classes);
  }

  Tensor velocity() const { return student->velocity(inputs.x, inputs.s, inputs.t, inputs.call); }

  std::unique_ptr<UNet> student;
  CollectedParameters weights;
  StudentInputs inputs;
};

std::string refusal(const Values& values, const std::vector<int64_t>& shape = {1, 28, 28}) {
  return conformance::error_text([&] { conformance::make<UNet>(values, shape); });
}

/// The formulas of the README in LibTorch's own functions, for the small defaults.
struct Reference {
  const CollectedParameters& weights;

  Tensor linear(const Tensor& x, const std::string& name) const {
    return at::linear(x, weights[name + ".weight"], weights[name + ".bias"]);
  }
  Tensor conv(const Tensor& x, const std::string& name, int64_t stride = 1) const {
    const Tensor& weight = weights[name + ".weight"];
    return at::conv2d(x, weight, weights[name + ".bias"], stride, weight.size(2) / 2);
  }
  Tensor norm(const Tensor& x, const std::string& name) const {
    return at::group_norm(x, 2, weights[name + ".weight"], weights[name + ".bias"], 1e-5);
  }
  Tensor time(const Tensor& tau, const std::string& name) const {
    const Tensor angle = tau.unsqueeze(1) * weights[name + ".frequencies"];
    return linear(at::silu(linear(at::cat({angle.sin(), angle.cos()}, 1), name + ".in")), name + ".out");
  }
  Tensor residual(const Tensor& x, const Tensor& c, const std::string& name) const {
    const Tensor ab = linear(c, name + ".modulation").unsqueeze(2).unsqueeze(3);
    const Tensor a = ab.narrow(1, 0, ab.size(1) / 2), b = ab.narrow(1, ab.size(1) / 2, ab.size(1) / 2);
    const Tensor h = conv(at::silu(norm(x, name + ".norm_in")), name + ".conv_in");
    const Tensor y = conv(at::silu((1 + a) * norm(h, name + ".norm_out") + b), name + ".conv_out");
    return (x.size(1) == y.size(1) ? x : conv(x, name + ".skip")) + y;
  }
  Tensor attention(const Tensor& x, const std::string& name) const {
    const int64_t batch = x.size(0), width = x.size(1), d = width / 2;  // two heads
    const Tensor qkv = linear(norm(x, name + ".norm").flatten(2).mT(), name + ".qkv").view({batch, -1, 3, 2, d});
    const Tensor q = qkv.select(2, 0).transpose(1, 2), k = qkv.select(2, 1).transpose(1, 2);
    const Tensor share = at::softmax(at::matmul(q, k.mT()) / std::sqrt(static_cast<double>(d)), -1);
    const Tensor mixed =
        at::matmul(share, qkv.select(2, 2).transpose(1, 2)).transpose(1, 2).reshape({batch, -1, width});
    return x + linear(mixed, name + ".out").mT().reshape(x.sizes());
  }
  Tensor attended(const Tensor& x, const Tensor& c, const std::string& level, const std::string& i) const {
    return attention(residual(x, c, level + ".residual." + i), level + ".attention." + i);
  }

  Tensor velocity(const StudentInputs& at) const {
    const Tensor label = weights["label.weight"].index_select(0, at.call.label);
    const Tensor c = at::silu(time(at.s, "embed_s") + time(at.t, "embed_t") + label);
    const Tensor h_0 = conv(at.x, "conv_in");
    const Tensor h_1 = residual(h_0, c, "down.0.residual.0");
    const Tensor h_2 = conv(h_1, "down.0.resample", 2);
    const Tensor h_3 = attended(h_2, c, "down.1", "0");
    Tensor h = residual(attended(h_3, c, "middle", "0"), c, "middle.residual.1");
    h = attended(at::cat({h, h_3}, 1), c, "up.0", "0");
    h = attended(at::cat({h, h_2}, 1), c, "up.0", "1");
    h = conv(h.repeat_interleave(2, 2).repeat_interleave(2, 3), "up.0.resample");
    h = residual(at::cat({h, h_1}, 1), c, "up.1.residual.0");
    h = residual(at::cat({h, h_0}, 1), c, "up.1.residual.1");
    return conv(at::silu(norm(h, "norm_out")), "conv_out");
  }
};

TEST(UNet, IsTheFormulaOfItsReadme) {
  const SmallUNet unet({2, 4, 6}, 3);
  EXPECT_LT(conformance::relative_error(unet.velocity(), Reference{unet.weights}.velocity(unet.inputs)), 1e-12);
}

TEST(UNet, TakesAnyChannelsSizeAndBatch) {
  for (const auto& shape : {std::vector<int64_t>{1, 4, 4}, {3, 6, 2}, {2, 7, 5}, {1, 1, 9}}) {
    const SmallUNet unet(shape);
    conformance::expect_keeps_the_contract(*unet.student, unet.inputs);
  }
}

TEST(UNet, TakesSizesThatItsLevelsDoNotDivide) {
  const Values four_levels{{"multipliers", "[1, 1, 2, 2]"}, {"attention", "[3]"}};
  for (const auto& shape : {std::vector<int64_t>{1, 28, 28}, {2, 7, 5}}) {
    const SmallUNet unet(shape, 0, four_levels);
    conformance::expect_keeps_the_contract(*unet.student, unet.inputs);
  }
}

TEST(UNet, PadsWithZerosBelowAndOnTheRightAndCropsBack) {
  const SmallUNet unet({2, 7, 5});
  const auto& [x, s, t, call] = unet.inputs;

  const Tensor whole = unet.student->velocity(at::constant_pad_nd(x, {0, 1, 0, 1}), s, t, call);
  EXPECT_EQ(whole.sizes(), at::IntArrayRef({2, 2, 8, 6}));
  EXPECT_EQ(conformance::max_difference(unet.velocity(), whole.narrow(2, 0, 7).narrow(3, 0, 5)), 0);
}

TEST(UNet, TangentIsTheDerivative) {
  const SmallUNet whole({2, 4, 6}, 3), padded({1, 7, 5}, 0, {{"multipliers", "[1, 2, 2]"}, {"attention", "[0, 2]"}});
  for (const SmallUNet* unet : {&whole, &padded}) {
    const StudentInputs& inputs = unet->inputs;
    EXPECT_LT(conformance::dual_error(*unet->student, inputs, conformance::student_direction(3, inputs)), 1e-6);
    EXPECT_LT(conformance::dual_error(*unet->student, inputs, conformance::along_t(inputs)), 1e-6);
  }
}

TEST(UNet, GradientReachesEveryWeightThroughValueAndTangent) {
  const SmallUNet unet({1, 3, 4}, 2);
  for (const Direction& direction :
       {conformance::student_direction(3, unet.inputs), conformance::along_t(unet.inputs)}) {
    const auto [error, worst] = conformance::gradient_error(*unet.student, unet.weights, unet.inputs, direction);
    EXPECT_LT(error, 1e-5) << worst;
  }
}

TEST(UNet, AttendsAtTheChosenLevelsAndInTheMiddle) {
  const auto attending = [](const char* levels) {
    const SmallUNet unet({1, 4, 4}, 0, {{"multipliers", "[1, 1, 2]"}, {"attention", levels}});
    std::string found;
    for (const auto& weight : unet.weights.trained()) {
      const auto end = weight.name.find(".attention.0.qkv.weight");
      if (end != std::string::npos) found += weight.name.substr(0, end) + " ";
    }
    return found;
  };

  EXPECT_EQ(attending("[]"), "");
  EXPECT_EQ(attending("[2]"), "down.2 middle up.0 ");
  EXPECT_EQ(attending("[0, 1]"), "down.0 down.1 middle up.1 up.2 ");
}

TEST(UNet, TellsLabelsApart) {
  const SmallUNet unet({1, 4, 4}, 3);
  conformance::expect_knows_labels(*unet.student, unet.inputs, 3);
}

TEST(UNet, IgnoresLabelsWhenUnconditional) {
  const SmallUNet unet({1, 4, 4}, 3, {{"conditional", "false"}});
  NetworkTraits traits;
  unet.student->traits(traits);
  EXPECT_EQ(traits.classes, 0);
  EXPECT_EQ(conformance::max_difference(unet.velocity(),
                                        unet.student->velocity(unet.inputs.x, unet.inputs.s, unet.inputs.t, {})),
            0);
}

TEST(UNet, DropsTheSameNumbersInPrimalAndTangent) {
  const SmallUNet unet({1, 4, 4}, 0, {{"dropout", "0.4"}});
  conformance::expect_drops_consistently(*unet.student, unet.inputs);
}

TEST(UNet, SaysWhatItCanDo) {
  NetworkTraits traits;
  SmallUNet({1, 4, 4}, 3).student->traits(traits);

  EXPECT_EQ(traits.classes, 3);
  EXPECT_TRUE(traits.dual && traits.x_gradient && traits.any_order && traits.stackable);
  EXPECT_FALSE(traits.guidance_input || traits.dropout);
}

TEST(UNet, StartsAsZeroWithBlocksThatAreTheirSkips) {
  const auto student = conformance::make<UNet>({}, {1, 8, 8});  // the defaults
  const CollectedParameters weights(*student);
  student->initialise(conformance::stream(4));

  int zeros = 0;
  for (const auto& weight : weights.trained()) {
    if (!weight.name.ends_with(".weight")) continue;
    const bool last = weight.name.ends_with("conv_out.weight") || weight.name.ends_with(".out.weight");
    const bool time = weight.name.starts_with("embed_");  // whose second layer is called out too
    EXPECT_EQ(weight.value->abs().max().item<double>() == 0, last && !time) << weight.name;
    zeros += last && !time;
  }
  EXPECT_EQ(zeros, (6 + 2 + 9) + (2 + 1 + 3) + 1);  // residual blocks and attention down, middle, up; the last one
  const auto [x, s, t, call] = conformance::student_inputs(1, 2, {1, 8, 8});
  const Tensor u = student->velocity(x.to(at::kFloat), s.to(at::kFloat), t.to(at::kFloat), call);
  EXPECT_EQ(u.abs().max().item<double>(), 0);
}

TEST(UNet, NormalisesInTheLargestPossibleNumberOfGroups) {
  EXPECT_EQ(group_count(64, 32), 32);
  EXPECT_EQ(group_count(48, 32), 24);
  EXPECT_EQ(group_count(8, 32), 8);
  EXPECT_EQ(group_count(7, 4), 1);
  EXPECT_EQ(group_count(30, 8), 6);
}

TEST(UNet, RefusesDataThatAreNoImages) {
  EXPECT_EQ(refusal({}, {2}),
            "student unet: the data's samples have shape [2], but a U-Net works on images, [channels, height, width]; "
            "for other data use type = \"mlp\"");
}

TEST(UNet, RefusesAttentionAtALevelThatIsNotThere) {
  EXPECT_EQ(refusal({{"multipliers", "[1, 2]"}}),
            "student unet: attention = [2] names level 2, but multipliers = [1, 2] gives levels 0 to 1");
}

TEST(UNet, RefusesHeadsThatDoNotDivideAWidthWithAttention) {
  EXPECT_EQ(refusal({{"channels", "6"}, {"attention", "[1, 2]"}, {"multipliers", "[1, 2, 3]"}}),
            "student unet: heads = 4 does not divide the 18 channels of level 2 (channels x multipliers[2])");
  // level 0 has no attention: its 6 channels do not matter
  conformance::make<UNet>({{"channels", "6"}, {"attention", "[1]"}, {"multipliers", "[1, 2, 4]"}}, {1, 28, 28});
}

TEST(UNet, RefusesHeadsThatDoNotDivideTheWidthOfTheMiddle) {
  EXPECT_EQ(refusal({{"channels", "2"}, {"attention", "[0]"}, {"multipliers", "[2, 1]"}}),
            "student unet: heads = 4 does not divide the 2 channels of level 1 (channels x multipliers[1])");
}

TEST(UNet, RefusesAnEmptyListOfLevels) {
  EXPECT_EQ(refusal({{"multipliers", "[]"}, {"attention", "[]"}}),
            "student unet: multipliers = [] gives no level; give one entry a level, for example [1, 2, 2]");
}

TEST(UNet, RefusesImagesThatWouldBeMostlyPadding) {
  EXPECT_EQ(refusal({{"multipliers", "[1, 1, 1, 1]"}}, {3, 3, 28}),
            "student unet: images of 3 x 28 cannot be halved 3 times, which multipliers = [1, 1, 1, 1] asks for; give "
            "fewer multipliers");
  SmallUNet({3, 4, 28}, 0, {{"multipliers", "[1, 1, 1, 1]"}});  // half of it padding: taken
}

}  // namespace
}  // namespace ttfm::student
