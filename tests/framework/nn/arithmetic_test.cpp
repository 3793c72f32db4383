// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <ttfm/conformance/derivative_checker.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/error.h>
#include <ttfm/nn/dual.h>

#include "framework/nn/samples.h"

namespace ttfm {
namespace {

using test::constant_dual;
using test::normal;
using test::normal_dual;

TEST(DualArithmetic, FollowsTheRulesOfDerivatives) {
  const auto all = [](const auto& in) { return (in[0] + in[1]) * in[2] - in[1] * 3.0 + (2.0 - in[0]) * in[0] + 1.0; };
  for (const bool constant_factor : {false, true}) {
    const Dual c = constant_factor ? constant_dual(3, {3, 4}) : normal_dual(3, {3, 4});
    conformance::expect_right_derivatives(
        conformance::subject(all, {normal_dual(1, {3, 4}), normal_dual(2, {3, 4}), c}));
  }
}

TEST(DualArithmetic, BroadcastsTangentsWithTheirPrimals) {
  const Dual column = normal_dual(1, {3, 1}), matrix = constant_dual(2, {3, 4});

  for (const Dual& y : {column + matrix, matrix + column, column - matrix, matrix - column, column * matrix}) {
    EXPECT_EQ(y.tangent.sizes(), y.primal.sizes());
  }
  const auto all = [](const auto& in) { return (in[0] - in[1]) * (in[1] - in[0]) + in[0] * in[1]; };
  conformance::expect_right_derivatives(conformance::subject(all, {column, matrix}));
  conformance::expect_right_derivatives(conformance::subject(all, {column, normal_dual(2, {3, 4})}));
}

TEST(DualArithmetic, TakesTensorsAsConstants) {
  Tensor c = normal(5, {3, 4});
  const auto all = [&](const auto& in) { return (c - in[0]) * c + (in[0] - c) * in[0] + (c + in[0]) - (in[0] + c); };

  conformance::expect_right_derivatives(conformance::subject(all, {normal_dual(1, {3, 1})}, {&c}));
}

TEST(DualArithmetic, KeepsAnUndefinedTangentUndefined) {
  const Dual a = constant_dual(1, {2, 3}), b = constant_dual(2, {2, 3});

  for (const Dual& y : {a + b, a - b, a * b, -a, a * 2.0, 1.0 - a, nn::add_gated(a, a, b), nn::cat(a, b, 0),
                        nn::reshape(a, {6}), nn::pad_image(nn::reshape(a, {1, 1, 2, 3}), 4, 4)}) {
    EXPECT_FALSE(y.tangent.defined());
  }
}

TEST(AddGated, IsXPlusGateTimesY) {
  const auto gated = [](const auto& in) { return nn::add_gated(in[0], nn::unsqueeze(in[1], 1), in[2]); };
  const auto composite = [](const auto& in) { return in[0] + nn::unsqueeze(in[1], 1) * in[2]; };
  const Dual x = normal_dual(1, {2, 3, 4}), gate = normal_dual(2, {2, 4}), y = normal_dual(3, {2, 3, 4});
  const Dual still{x.primal, {}}, still_y{y.primal, {}};

  conformance::expect_right_derivatives(conformance::subject(gated, {x, gate, y}), composite);
  conformance::expect_right_derivatives(conformance::subject(gated, {still, gate, still_y}), composite);
}

TEST(Rearrangement, MovesTangentsAsPrimals) {
  const auto moved = [](const auto& in) {
    const auto [a, b] = nn::chunk<2>(in[0], 1);
    const auto joined = nn::cat(nn::permute(a, {0, 2, 1}), nn::transpose(in[1], 1, 2), 2);
    const auto cut = nn::narrow(nn::flatten(joined, 1), 1, 1, 12);
    const auto image = nn::crop_image(nn::pad_image(nn::reshape(cut, {2, 1, 3, 4}), 5, 7), 4, 5);
    return image * nn::reshape(nn::narrow(b, 2, 0, 1), {2, 2, 1, 1});
  };

  conformance::expect_right_derivatives(
      conformance::subject(moved, {normal_dual(1, {2, 4, 3}), normal_dual(2, {2, 3, 3})}));
  conformance::expect_right_derivatives(
      conformance::subject(moved, {normal_dual(1, {2, 4, 3}), constant_dual(2, {2, 3, 3})}));
}

TEST(Rearrangement, WidensWhatHasSixteenBits) {
  for (const auto& [type, wide] : {std::pair{at::kBFloat16, at::kFloat},
                                   {at::kHalf, at::kFloat},
                                   {at::kFloat, at::kFloat},
                                   {at::kDouble, at::kDouble}}) {
    const Dual x = nn::widen(Dual{normal(1, {2, 3}).to(type), {}});
    EXPECT_EQ(x.primal.scalar_type(), wide);
    EXPECT_FALSE(x.tangent.defined());
    EXPECT_EQ(nn::widen(Dual{x.primal, normal(2, {2, 3}).to(type)}).tangent.scalar_type(), wide);
  }
}

TEST(Rearrangement, RefusesPartsThatDoNotFit) {
  EXPECT_EQ(conformance::error_text([] {
              nn::chunk<2>(normal(1, {2, 3}), 1);
            }),
            "nn::chunk: dimension 1 of a tensor of shape [2, 3] is no multiple of 2");
  EXPECT_EQ(conformance::error_text([] {
              nn::pad_image(normal(1, {1, 1, 5, 5}), 4, 8);
            }),
            "nn::pad_image: an image of shape [1, 1, 5, 5] cannot be padded to 4 x 8");
}

}  // namespace
}  // namespace ttfm
