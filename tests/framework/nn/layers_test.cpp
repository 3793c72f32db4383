// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numbers>

#include <ttfm/conformance/derivative_checker.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/nn/activation.h>
#include <ttfm/nn/conv.h>
#include <ttfm/nn/linear.h>
#include <ttfm/nn/resample.h>

#include "framework/nn/samples.h"

namespace ttfm {
namespace {

using test::constant_dual;
using test::normal;
using test::normal_dual;

std::vector<Dual> layouts(at::IntArrayRef shape) {
  return {normal_dual(1, shape), test::halves_dual(2, shape), test::strided_dual(3, shape), constant_dual(4, shape)};
}

TEST(Silu, IsRightWithItsDerivatives) {
  const auto composite = [](const std::vector<Dual>& in) -> Dual {
    const Tensor &x = in[0].primal, s = at::sigmoid(x);
    return {x * s, in[0].tangent.defined() ? in[0].tangent * s * (1 + x * (1 - s)) : Tensor()};
  };
  for (const Dual& x : layouts({3, 5})) {
    conformance::expect_right_derivatives(conformance::subject([](const auto& in) { return nn::silu(in[0]); }, {x}),
                                          composite);
  }
}

TEST(Gelu, IsRightWithItsDerivatives) {
  const auto composite = [](const std::vector<Dual>& in) -> Dual {
    const double k = std::sqrt(2 / std::numbers::pi);
    const Tensor &x = in[0].primal, t = at::tanh(k * (x + 0.044715 * x * x * x));
    const Tensor slope = 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x);
    return {0.5 * x * (1 + t), in[0].tangent.defined() ? in[0].tangent * slope : Tensor()};
  };
  for (const Dual& x : layouts({3, 5})) {
    conformance::expect_right_derivatives(conformance::subject([](const auto& in) { return nn::gelu(in[0]); }, {x}),
                                          composite);
  }
}

TEST(Linear, IsRightWithItsDerivatives) {
  nn::Linear layer(5, 3);
  test::set_normal(20, {&layer.weight, &layer.bias});
  const auto composite = [&](const std::vector<Dual>& in) -> Dual {
    const Tensor& w = layer.weight;
    return {in[0].primal.matmul(w.t()) + layer.bias, in[0].tangent.defined() ? in[0].tangent.matmul(w.t()) : Tensor()};
  };
  const auto check = [&](const Dual& x) {
    conformance::expect_right_derivatives(
        conformance::subject([&](const auto& in) { return layer(in[0]); }, {x}, {&layer.weight, &layer.bias}),
        composite);
  };

  for (const Dual& x : layouts({4, 5})) check(x);
  for (const Dual& x : layouts({2, 3, 5})) check(x);
  check(normal_dual(5, {1, 5}));
}

TEST(Linear, FeedsTheNextLayerWithoutACopyAndRightly) {
  nn::Linear first(4, 6), second(6, 2);
  test::set_normal(20, {&first.weight, &first.bias, &second.weight, &second.bias});
  const auto chain = [&](const auto& in) { return second(nn::silu(first(in[0]))); };

  conformance::expect_right_derivatives(conformance::subject(
      chain, {test::halves_dual(1, {3, 4})}, {&first.weight, &first.bias, &second.weight, &second.bias}));
}

TEST(Linear, GivesNoGradientWhereNoneIsWanted) {
  nn::Linear layer(4, 2);
  test::set_normal(20, {&layer.weight, &layer.bias});
  layer.weight.requires_grad_();
  const Dual x = normal_dual(1, {3, 4});

  const Dual y = layer(x);  // neither x nor the bias records a gradient
  const auto gradient = torch::autograd::grad({(y.primal * y.tangent).sum()}, {layer.weight})[0];

  EXPECT_LT(conformance::relative_error(
                gradient, y.tangent.detach().t().matmul(x.primal) + y.primal.detach().t().matmul(x.tangent)),
            1e-12);
}

TEST(DualLayers, RefuseASecondGradientRatherThanGiveAWrongOne) {
  Dual x = normal_dual(1, {3, 4});
  x.primal.requires_grad_();
  const Dual y = nn::silu(x);

  const auto text = conformance::error_text(
      [&] { torch::autograd::grad({y.tangent.sum()}, {x.primal}, {}, true, /*create_graph=*/true); });

  EXPECT_NE(text.find("the dual layer 'silu' was asked for with create_graph"), std::string::npos) << text;
}

TEST(Conv2d, IsRightWithItsDerivatives) {
  for (const nn::Conv2d::Shape shape : {nn::Conv2d::Shape{3, 1, 1}, {1, 1, 0}, {3, 2, 1}}) {
    nn::Conv2d layer(2, 3, shape);
    test::set_normal(20, {&layer.weight, &layer.bias});
    const auto composite = [&](const std::vector<Dual>& in) -> Dual {
      const auto apply = [&](const Tensor& x, const Tensor& b) {
        return at::conv2d(x, layer.weight, b, {shape.stride, shape.stride}, {shape.padding, shape.padding});
      };
      return {apply(in[0].primal, layer.bias), in[0].tangent.defined() ? apply(in[0].tangent, {}) : Tensor()};
    };
    auto inputs = layouts({2, 2, 5, 4});
    inputs.push_back(normal_dual(5, {1, 2, 3, 3}));
    inputs.push_back({inputs[0].primal.contiguous(at::MemoryFormat::ChannelsLast),
                      inputs[0].tangent.contiguous(at::MemoryFormat::ChannelsLast)});
    for (const Dual& x : inputs) {
      conformance::expect_right_derivatives(
          conformance::subject([&](const auto& in) { return layer(in[0]); }, {x}, {&layer.weight, &layer.bias}),
          composite);
    }
  }
}

TEST(Conv2d, IsTheSumOverItsWindow) {
  nn::Conv2d layer(1, 1, {.kernel = 3, .stride = 2, .padding = 1});
  layer.weight.fill_(1);
  layer.bias.fill_(0.5);
  Tensor x = at::zeros({1, 1, 3, 3});
  x[0][0][0][0] = 1;
  x[0][0][1][1] = 10;

  const Tensor y = layer(x);

  EXPECT_EQ(y.sizes(), at::IntArrayRef({1, 1, 2, 2}));
  EXPECT_FLOAT_EQ(y[0][0][0][0].item<float>(), 11.5F);
  EXPECT_FLOAT_EQ(y[0][0][1][1].item<float>(), 10.5F);
}

TEST(Resample, IsRightWithItsDerivatives) {
  for (const Dual& x : layouts({2, 3, 4, 2})) {
    conformance::expect_right_derivatives(conformance::subject(
        [](const auto& in) { return nn::upsample_nearest(in[0]) * nn::upsample_nearest(in[0]); }, {x}));
    conformance::expect_right_derivatives(conformance::subject(
        [](const auto& in) { return nn::downsample_mean(in[0]) * nn::downsample_mean(in[0]); }, {x}));
  }
}

TEST(Resample, RepeatsPixelsAndAveragesThemBack) {
  const Tensor x = normal(1, {2, 3, 2, 3});
  const Tensor up = nn::upsample_nearest(x);

  EXPECT_EQ(up.sizes(), at::IntArrayRef({2, 3, 4, 6}));
  EXPECT_EQ(up[1][2][3][1].item<double>(), x[1][2][1][0].item<double>());
  EXPECT_LT(conformance::max_difference(nn::downsample_mean(up), x), 1e-15);
  const Tensor square = normal(2, {1, 1, 2, 2});
  EXPECT_NEAR(nn::downsample_mean(square).item<double>(), square.mean().item<double>(), 1e-15);
}

TEST(Resample, RefusesToHalveAnOddSide) {
  EXPECT_EQ(conformance::error_text([] {
              nn::downsample_mean(normal(1, {1, 1, 3, 4}));
            }),
            "downsample_mean: images of shape [1, 1, 3, 4] have an odd side; pad them (nn::pad_image) first");
}

TEST(DualLayers, ComputeInBfloat16) {
  nn::Linear linear(4, 4);
  nn::Conv2d conv(2, 2, {});
  for (Tensor* weight : {&linear.weight, &linear.bias, &conv.weight, &conv.bias}) {
    *weight = normal(3, weight->sizes()).to(at::kBFloat16).requires_grad_();
  }
  const auto narrow = [](const Dual& x) { return Dual{x.primal.to(at::kBFloat16), x.tangent.to(at::kBFloat16)}; };

  const Dual y = nn::gelu(nn::silu(linear(narrow(normal_dual(1, {3, 4})))));
  const Dual z = conv(narrow(normal_dual(1, {3, 2, 4, 4})));
  (y.primal.sum() + y.tangent.sum() + z.primal.sum() + z.tangent.sum()).backward();

  EXPECT_EQ(y.tangent.scalar_type(), at::kBFloat16);
  EXPECT_EQ(linear.weight.grad().scalar_type(), at::kBFloat16);
  EXPECT_EQ(conv.weight.grad().scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace ttfm
