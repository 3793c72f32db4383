// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/derivative_checker.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/nn/activation.h>
#include <ttfm/nn/norm.h>

#include "framework/nn/samples.h"

namespace ttfm {
namespace {

using nn::linear_map;
using test::constant_dual;
using test::normal;
using test::normal_dual;

/// xhat and its tangent along the last dimension, spelled out.
Dual composite_norm(const Dual& x, double eps) {
  const Tensor c = x.primal - x.primal.mean(-1, true);
  const Tensor rstd = ((c * c).mean(-1, true) + eps).rsqrt();
  const Tensor xhat = c * rstd;
  if (!x.tangent.defined()) return {xhat, {}};
  const Tensor dc = x.tangent - x.tangent.mean(-1, true);
  return {xhat, rstd * (dc - xhat * (xhat * dc).mean(-1, true))};
}

Dual composite_group_norm(const Dual& x, int64_t groups, double eps) {
  const auto shape = x.primal.sizes();
  return nn::reshape(composite_norm(nn::reshape(x, {shape[0], groups, -1}), eps), shape);
}

std::vector<Dual> layouts(at::IntArrayRef shape) {
  return {normal_dual(1, shape), test::halves_dual(2, shape), test::strided_dual(3, shape), constant_dual(4, shape)};
}

TEST(LayerNorm, IsRightWithItsDerivatives) {
  nn::LayerNorm layer(5);
  test::set_normal(20, {&layer.weight, &layer.bias});
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{3, 5}, {2, 3, 5}, {1, 5}}) {
    for (const Dual& x : layouts(shape)) {
      conformance::expect_right_derivatives(
          conformance::subject([&](const auto& in) { return layer(in[0]); }, {x}, {&layer.weight, &layer.bias}),
          [&](const std::vector<Dual>& in) { return composite_norm(in[0], 1e-5) * layer.weight + layer.bias; });
      conformance::expect_right_derivatives(
          conformance::subject([](const auto& in) { return nn::layer_norm(in[0], 1e-2); }, {x}),
          [](const std::vector<Dual>& in) { return composite_norm(in[0], 1e-2); });
    }
  }
}

TEST(LayerNormModulate, IsRightWithItsDerivatives) {
  const auto layer = [](const auto& in) { return nn::layer_norm_modulate(in[0], in[1], in[2]); };
  const auto composite = [](const std::vector<Dual>& in) {
    const bool per_row = in[1].primal.dim() < in[0].primal.dim();
    const auto token = [&](const Dual& x) { return per_row ? nn::unsqueeze(x, 1) : x; };
    return composite_norm(in[0], 1e-6) * (token(in[2]) + 1.0) + token(in[1]);
  };

  for (const Dual& x : layouts({2, 3, 5})) {
    conformance::expect_right_derivatives(
        conformance::subject(layer, {x, normal_dual(5, {2, 5}), normal_dual(6, {2, 5})}), composite);
    conformance::expect_right_derivatives(
        conformance::subject(layer, {x, constant_dual(5, {2, 5}), constant_dual(6, {2, 5})}), composite);
    conformance::expect_right_derivatives(
        conformance::subject(layer, {x, normal_dual(5, {2, 5}), constant_dual(6, {2, 5})}), composite);
    conformance::expect_right_derivatives(
        conformance::subject(layer, {x, normal_dual(5, {2, 3, 5}), normal_dual(6, {2, 1, 5})}), composite);
  }
  conformance::expect_right_derivatives(
      conformance::subject(layer, {normal_dual(1, {1, 5}), normal_dual(5, {1, 5}), normal_dual(6, {1, 5})}), composite);
}

class GroupNormTest : public testing::TestWithParam<std::vector<int64_t>> {
 protected:
  GroupNormTest() { test::set_normal(20, {&norm.weight, &norm.bias}); }

  Dual affine(const Dual& x) const {
    std::vector<int64_t> channel(static_cast<size_t>(x.primal.dim()) - 1, 1);
    channel[0] = 6;
    return composite_group_norm(x, 2, 1e-5) * norm.weight.reshape(channel) + norm.bias.reshape(channel);
  }

  std::vector<Dual> inputs() const {
    std::vector<Dual> all = layouts(GetParam());
    if (GetParam().size() == 4) {
      const Dual x = normal_dual(7, GetParam());
      all.push_back({x.primal.contiguous(at::MemoryFormat::ChannelsLast), x.tangent});
    }
    return all;
  }

  nn::GroupNorm norm{2, 6};  // a group of two numbers would have all but no derivative
};

TEST_P(GroupNormTest, IsRightWithItsDerivatives) {
  for (const Dual& x : inputs()) {
    conformance::expect_right_derivatives(
        conformance::subject([&](const auto& in) { return norm(in[0]); }, {x}, {&norm.weight, &norm.bias}),
        [&](const std::vector<Dual>& in) { return affine(in[0]); });
  }
}

TEST_P(GroupNormTest, IsRightWithSilu) {
  for (const Dual& x : inputs()) {
    conformance::expect_right_derivatives(
        conformance::subject([&](const auto& in) { return norm.silu(in[0]); }, {x}, {&norm.weight, &norm.bias}),
        [&](const std::vector<Dual>& in) { return nn::silu(affine(in[0])); });
  }
}

TEST_P(GroupNormTest, IsRightWithModulationAndSilu) {
  const auto composite = [&](const std::vector<Dual>& in) {
    std::vector<int64_t> channel(GetParam().size(), 1);
    channel[0] = GetParam()[0];
    channel[1] = 6;
    return nn::silu(affine(in[0]) * (nn::reshape(in[2], channel) + 1.0) + nn::reshape(in[1], channel));
  };
  const std::vector<int64_t> rows{GetParam()[0], 6};
  for (const Dual& x : inputs()) {
    for (const auto& [shift, scale] : {std::pair(normal_dual(5, rows), normal_dual(6, rows)),
                                       std::pair(constant_dual(5, rows), normal_dual(6, rows)),
                                       std::pair(normal_dual(5, rows), constant_dual(6, rows))}) {
      conformance::expect_right_derivatives(
          conformance::subject([&](const auto& in) { return norm.modulate_silu(in[0], in[1], in[2]); },
                               {x, shift, scale}, {&norm.weight, &norm.bias}),
          composite);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, GroupNormTest,
                         testing::Values(std::vector<int64_t>{2, 6, 3, 5}, std::vector<int64_t>{1, 6, 2, 2},
                                         std::vector<int64_t>{2, 6, 3}, std::vector<int64_t>{3, 6}));

TEST(GroupNorm, CentresAndScalesEachGroup) {
  nn::GroupNorm norm(2, 4);
  norm.weight.fill_(1);

  const Tensor y = norm(normal(1, {3, 4, 5, 5}).to(at::kFloat) * 7 + 3).reshape({3, 2, -1});

  EXPECT_LT(y.mean(-1).abs().max().item<float>(), 1e-5F);
  EXPECT_LT(((y * y).mean(-1) - 1).abs().max().item<float>(), 1e-4F);
}

TEST(GroupNorm, RefusesGroupsThatDoNotDivideTheChannels) {
  EXPECT_EQ(conformance::error_text([] { nn::GroupNorm(4, 6); }),
            "group norm: 4 groups do not divide 6 channels; choose a number of groups that does");
}

TEST(Norms, LoseNothingInBfloat16ButTheRoundingOfTheResult) {
  const auto rounded = [](const Tensor& x) { return x.to(at::kBFloat16); };
  const auto widened = [](const Tensor& x) { return x.to(at::kFloat); };
  nn::GroupNorm norm(3, 6);
  norm.weight.fill_(1);
  const Dual x = linear_map(normal_dual(1, {2, 6, 4, 4}) * 0.5 + 8.0, rounded);  // a mean far from zero
  const Dual exact = norm.silu(linear_map(x, widened));

  norm.weight = rounded(norm.weight).requires_grad_();
  norm.bias = rounded(norm.bias);
  const Dual y = norm.silu(x);
  (y.primal.sum() + y.tangent.sum()).backward();

  EXPECT_EQ(y.tangent.scalar_type(), at::kBFloat16);
  EXPECT_EQ(norm.weight.grad().scalar_type(), at::kBFloat16);
  EXPECT_LT(conformance::max_difference(y.primal, rounded(exact.primal)), 1e-6);
  EXPECT_LT(conformance::max_difference(y.tangent, rounded(exact.tangent)), 1e-6);
}

}  // namespace
}  // namespace ttfm
