// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/derivative_checker.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/nn/attention.h>

#include "framework/nn/samples.h"

namespace ttfm {
namespace {

using test::constant_dual;
using test::normal;
using test::normal_dual;

/// softmax(q k^T / sqrt(d)) v and its derivative in elementary operations.
Dual composite_attention(const std::vector<Dual>& in) {
  const Dual &q = in[0], &k = in[1], &v = in[2];
  const double c = 1 / std::sqrt(static_cast<double>(q.primal.size(-1)));
  const Tensor logits = c * q.primal.matmul(k.primal.mT());
  const Tensor e = (logits - logits.detach().amax(-1, true)).exp();
  const Tensor s = e / e.sum(-1, true);
  const Tensor dq = nn::tangent_or_zeros(q), dk = nn::tangent_or_zeros(k), dv = nn::tangent_or_zeros(v);
  const Tensor dl = c * (dq.matmul(k.primal.mT()) + q.primal.matmul(dk.mT()));
  const Tensor ds = s * (dl - (s * dl).sum(-1, true));
  return {s.matmul(v.primal), ds.matmul(v.primal) + s.matmul(dv)};
}

const auto kAttention = [](const auto& in) { return nn::attention(in[0], in[1], in[2]); };

TEST(Attention, IsRightWithItsDerivatives) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{2, 2, 3, 4}, {1, 1, 5, 3}, {1, 3, 1, 2}}) {
    conformance::expect_right_derivatives(
        conformance::subject(kAttention, {normal_dual(1, shape), normal_dual(2, shape), normal_dual(3, shape)}),
        composite_attention);
  }
}

TEST(Attention, TakesAnyLayoutAndUndefinedTangents) {
  const std::vector<int64_t> shape{2, 2, 3, 4};
  const auto permuted = [](uint64_t seed) {
    return nn::permute(normal_dual(seed, {2, 3, 2, 4}), {0, 2, 1, 3});  // what a projection of tokens gives
  };
  const auto channels_last = [](uint64_t seed) {
    return nn::permute(normal_dual(seed, {2, 3, 4, 2}), {0, 3, 1, 2});  // LibTorch keeps this layout in what it makes
  };
  const auto still = [&](uint64_t seed) { return constant_dual(seed, shape); };

  conformance::expect_right_derivatives(conformance::subject(kAttention, {permuted(1), permuted(2), permuted(3)}),
                                        composite_attention);
  conformance::expect_right_derivatives(
      conformance::subject(kAttention, {channels_last(1), channels_last(2), channels_last(3)}), composite_attention);
  conformance::expect_right_derivatives(conformance::subject(kAttention, {normal_dual(1, shape), still(2), still(3)}),
                                        composite_attention);
  conformance::expect_right_derivatives(conformance::subject(kAttention, {still(1), still(2), normal_dual(3, shape)}),
                                        composite_attention);
  conformance::expect_right_derivatives(conformance::subject(kAttention, {still(1), still(2), still(3)}),
                                        composite_attention);
  EXPECT_FALSE(nn::attention(still(1), still(2), still(3)).tangent.defined());
}

TEST(Attention, TakesGradientsInAnyLayout) {
  // the gradient of what is flattened with the heads last reaches the heads' dimension with the smallest stride
  const auto heads_last = [](const auto& y) { return nn::reshape(nn::permute(y, {0, 2, 3, 1}), {-1}); };
  const auto layer = [&](const auto& in) { return heads_last(kAttention(in)); };
  const auto composite = [&](const std::vector<Dual>& in) { return heads_last(composite_attention(in)); };
  const std::vector<int64_t> shape{2, 2, 3, 4};

  conformance::expect_right_derivatives(
      conformance::subject(layer, {normal_dual(1, shape), normal_dual(2, shape), normal_dual(3, shape)}), composite);
}

TEST(Attention, IsStableForLargeLogits) {
  const Dual q = normal_dual(1, {1, 1, 3, 4}), k = normal_dual(2, {1, 1, 3, 4}), v = normal_dual(3, {1, 1, 3, 4});

  const Dual y = nn::attention(q * 1e3, k, v);

  EXPECT_LE(y.primal.abs().max().item<double>(), v.primal.abs().max().item<double>());
  EXPECT_TRUE(y.tangent.isfinite().all().item<bool>());
}

TEST(SelfAttention, IsRightWithItsDerivatives) {
  nn::SelfAttention layer(6, 2);
  test::set_normal(20, {&layer.qkv.weight, &layer.qkv.bias, &layer.out.weight, &layer.out.bias});
  const auto check = [&](const Dual& x) {
    conformance::expect_right_derivatives(
        conformance::subject([&](const auto& in) { return layer(in[0]); }, {x},
                             {&layer.qkv.weight, &layer.qkv.bias, &layer.out.weight, &layer.out.bias}));
  };

  check(normal_dual(1, {2, 3, 6}));
  check(normal_dual(1, {1, 4, 6}));
  check(test::strided_dual(1, {2, 3, 6}));
  check(constant_dual(1, {2, 3, 6}));
}

TEST(SelfAttention, TreatsTokensAlikeWhateverTheirOrder) {
  nn::SelfAttention layer(6, 3);
  test::set_normal(20, {&layer.qkv.weight, &layer.qkv.bias, &layer.out.weight, &layer.out.bias});
  const Tensor x = normal(1, {2, 4, 6});

  EXPECT_LT(conformance::max_difference(layer(x.flip({1})), layer(x).flip({1})), 1e-13);
}

TEST(SelfAttention, RefusesHeadsThatDoNotDivideTheWidth) {
  EXPECT_EQ(conformance::error_text([] { nn::SelfAttention(6, 4); }),
            "attention: 4 heads do not divide the width 6; choose a number of heads that does");
}

}  // namespace
}  // namespace ttfm
