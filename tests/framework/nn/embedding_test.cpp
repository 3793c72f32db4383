// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <ttfm/conformance/derivative_checker.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/parameters.h>
#include <ttfm/nn/activation.h>
#include <ttfm/nn/conditioning.h>
#include <ttfm/nn/dropout.h>
#include <ttfm/nn/embedding.h>
#include <ttfm/nn/network_student.h>
#include <ttfm/nn/patchify.h>

#include "framework/nn/samples.h"

namespace ttfm {
namespace {

using test::constant_dual;
using test::normal;
using test::normal_dual;

TEST(Sinusoids, AreSinesThenCosines) {
  const Tensor w = nn::harmonic_frequencies(2, 3.0).to(at::kDouble);

  const Tensor y = nn::sinusoids(at::tensor({0.25, 0.5}, at::kDouble), w);

  const double expected[] = {std::sin(1.5), std::sin(3.0), std::cos(1.5), std::cos(3.0)};
  for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(y[1][i].item<double>(), expected[i], 1e-15);
}

TEST(Sinusoids, AreRightWithTheirDerivatives) {
  const Tensor w = nn::harmonic_frequencies(3, 1.5).to(at::kDouble);
  const auto layer = [&](const auto& in) { return nn::sinusoids(in[0], w); };

  conformance::expect_right_derivatives(conformance::subject(layer, {normal_dual(1, {4})}));
  conformance::expect_right_derivatives(conformance::subject(layer, {constant_dual(1, {1})}));
}

TEST(Frequencies, RunFromLowestToHighestGeometrically) {
  const Tensor w = nn::geometric_frequencies(3, 1.0, 100.0);

  EXPECT_NEAR(w[0].item<double>(), 1, 1e-6);
  EXPECT_NEAR(w[1].item<double>(), 10, 1e-5);
  EXPECT_NEAR(w[2].item<double>(), 100, 1e-4);
}

TEST(TimeEmbedding, IsRightWithItsDerivatives) {
  nn::TimeEmbedding layer(nn::harmonic_frequencies(3, 1.5), 4);
  test::set_normal(20, {&layer.in.weight, &layer.in.bias, &layer.out.weight, &layer.out.bias});
  layer.frequencies = layer.frequencies.to(at::kDouble);

  conformance::expect_right_derivatives(conformance::subject([&](const auto& in) { return layer(in[0]); },
                                                             {normal_dual(1, {3})},
                                                             {&layer.in.weight, &layer.in.bias, &layer.out.weight}));
}

TEST(LabelEmbedding, GivesTheLastRowToNoLabel) {
  nn::LabelEmbedding layer(2, 3);
  test::set_normal(1, {&layer.weight});

  const Tensor none = layer({}, 2);

  EXPECT_EQ(none.sizes(), at::IntArrayRef({2, 3}));
  EXPECT_EQ(conformance::max_difference(none[1], layer.weight[2]), 0);
  EXPECT_EQ(conformance::max_difference(layer(at::tensor({2, 2}, at::kLong), 2), none), 0);
  EXPECT_EQ(conformance::max_difference(layer(at::tensor({0, 1}, at::kLong), 2), layer.weight.narrow(0, 0, 2)), 0);
}

/// A network that is only told what it is conditioned on.
struct ConditionedNet {
  nn::Conditioning conditioning{4, 2};

  void parameters(const nn::Scope& scope) { conditioning.parameters(scope); }

  template <nn::Value V>
  V forward(const V& x, const V&, const V&, const Call&) const {
    return x;
  }
};

TEST(Conditioning, HasTheNamesOfCheckpointsInTheirOrder) {
  nn::NetworkStudent<ConditionedNet> student;
  const conformance::CollectedParameters weights(student);

  std::vector<std::string> names, expected;
  for (const auto& weight : weights.all()) names.push_back(weight.name);
  for (const std::string time : {"embed_s", "embed_t"}) {
    for (const char* part : {".frequencies", ".in.weight", ".in.bias", ".out.weight", ".out.bias"}) {
      expected.push_back(time + part);
    }
  }
  expected.push_back("label.weight");

  EXPECT_EQ(names, expected);
  EXPECT_EQ(weights["embed_s.frequencies"].size(0), 64);
  EXPECT_NEAR(weights["embed_t.frequencies"][63].item<double>(), 30, 1e-4);
}

TEST(Conditioning, IsSiluOfTheSumOfItsEmbeddings) {
  nn::Conditioning layer(4, 2), unlabelled(4, 0);
  for (nn::Conditioning* each : {&layer, &unlabelled}) {
    for (nn::TimeEmbedding* time : {&each->s, &each->t}) {
      test::set_normal(time == &each->s ? 20 : 30,
                       {&time->in.weight, &time->in.bias, &time->out.weight, &time->out.bias});
      time->frequencies = time->frequencies.to(at::kDouble);
    }
  }
  test::set_normal(40, {&layer.label->weight});
  const Dual s = normal_dual(1, {3}), t = normal_dual(2, {3});
  Call call;
  call.label = at::tensor({1, 0, 2}, at::kLong);

  const Dual c = layer(s, t, call), times = layer.s(s) + layer.t(t);
  const Dual expected = nn::silu(times + layer.label->weight.index_select(0, call.label));

  EXPECT_LT(conformance::max_difference(c.primal, expected.primal), 1e-14);
  EXPECT_LT(conformance::max_difference(c.tangent, expected.tangent), 1e-14);
  EXPECT_LT(conformance::max_difference(layer(s.primal, t.primal, call), expected.primal), 1e-14);
  EXPECT_LT(conformance::max_difference(unlabelled(s, t, call).tangent, nn::silu(times).tangent), 1e-14);
}

TEST(PositionTable, GivesEveryPositionItsOwnRow) {
  const Tensor table = nn::position_table(3, 4, 8);

  ASSERT_EQ(table.sizes(), at::IntArrayRef({12, 8}));
  EXPECT_NEAR(table[6][0].item<double>(), std::sin(2.0), 1e-6);   // row 1, column 2: x first
  EXPECT_NEAR(table[6][5].item<double>(), std::sin(0.01), 1e-6);  // then y, second frequency 10000^(-1/2)
  EXPECT_NEAR(table[6][6].item<double>(), std::cos(1.0), 1e-6);
  for (int64_t i = 0; i < 12; ++i) {
    for (int64_t j = 0; j < i; ++j) EXPECT_GT(conformance::max_difference(table[i], table[j]), 1e-3);
  }
}

TEST(PositionTable, RefusesAWidthThatIsNoMultipleOfFour) {
  EXPECT_EQ(conformance::error_text([] { nn::position_table(2, 2, 6); }),
            "position_table: a width of 6, expected a multiple of 4 (sine and cosine of two coordinates)");
}

TEST(Patchify, IsUndoneByUnpatchify) {
  const Tensor x = normal(1, {2, 3, 4, 6});
  const Tensor tokens = nn::patchify(x, 2);

  ASSERT_EQ(tokens.sizes(), at::IntArrayRef({2, 6, 12}));
  EXPECT_EQ(tokens[1][4][4 * 2 + 3].item<double>(), x[1][2][3][3].item<double>());  // patch (1, 1), channel 2
  EXPECT_EQ(conformance::max_difference(nn::unpatchify(tokens, 2, 4, 6), x), 0);
}

TEST(Patchify, IsRightWithItsDerivatives) {
  const auto square = [](const auto& in) {
    const auto tokens = nn::patchify(in[0], 2);
    return nn::unpatchify(tokens * tokens, 2, 4, 2);
  };
  conformance::expect_right_derivatives(conformance::subject(square, {normal_dual(1, {2, 3, 4, 2})}));
  conformance::expect_right_derivatives(conformance::subject(square, {constant_dual(1, {1, 3, 4, 2})}));
}

TEST(Patchify, RefusesImagesThatAreNotMadeOfPatches) {
  EXPECT_EQ(conformance::error_text([] {
              nn::patchify(normal(1, {1, 1, 4, 5}), 2);
            }),
            "patchify: a tensor of shape [1, 1, 4, 5] does not consist of patches of 2 x 2 pixels; choose a patch size "
            "that divides height and width");
  EXPECT_EQ(conformance::error_text([] {
              nn::unpatchify(normal(1, {1, 5, 4}), 2, 4, 4);
            }),
            "unpatchify: a tensor of shape [1, 5, 4] does not consist of patches of 2 x 2 pixels; choose a patch size "
            "that divides height and width");
}

TEST(Dropout, UsesOneMaskForPrimalTangentAndCopies) {
  const Stream stream = conformance::stream(7, at::kDouble);
  Call call;
  call.dropout = &stream;
  const Tensor ones = at::ones({64, 50}, at::kDouble);

  const Tensor y = nn::dropout(ones, 0.3, call, "a");
  const Dual dual = nn::dropout(Dual{ones, 2 * ones}, 0.3, call, "a");

  EXPECT_EQ(conformance::max_difference(dual.primal, y), 0);
  EXPECT_EQ(conformance::max_difference(dual.tangent, 2 * y), 0);
  EXPECT_NEAR((y == 0).to(at::kDouble).mean().item<double>(), 0.3, 0.03);
  EXPECT_NEAR(y.max().item<double>(), 1 / 0.7, 1e-12);
  EXPECT_GT(conformance::max_difference(nn::dropout(ones, 0.3, call, "b"), y), 0);
}

TEST(Dropout, DoesNothingInEvaluation) {
  const Stream stream = conformance::stream(7, at::kDouble);
  const Dual x = normal_dual(1, {3, 4});

  EXPECT_TRUE(nn::dropout(x, 0.5, {}, "a").primal.is_same(x.primal));
  Call call;
  call.dropout = &stream;
  EXPECT_TRUE(nn::dropout(x.primal, 0, call, "a").is_same(x.primal));
}

TEST(Dropout, RefusesAnImpossibleProbability) {
  for (const double p : {-0.1, 1.0, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_NE(conformance::error_text([&] { nn::dropout(at::ones({2}), p, {}, "a"); }).find("expected one in [0, 1)"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace ttfm
