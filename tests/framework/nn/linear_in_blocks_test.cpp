// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Linear layers that go over blocks of rows together with the norm or activation before them.
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <vector>

#include <ttfm/nn/linear.h>

#include "framework/nn/loops_fixture.h"
#include "framework/nn/with_threads.h"
#include "nn/loops.h"

namespace ttfm {
namespace {

using test::biased;
using test::constant_dual;
using test::Duals;
using test::forms;
using test::Layer;
using test::normal;
using test::normal_dual;

class BlocksTest : public test::LoopsTest {};

// enough rows for products in blocks, and no size that is a multiple of a block's, a panel's or a vector's
TEST_P(BlocksTest, LinearLayersInBlocksOfRows) {
  constexpr int64_t kSamples = 3, kTokens = 67, kIn = 70, kOut = 131;
  const auto layer_of = [](const Duals& in, const Tensor& weight) {
    nn::Linear layer(kIn, kOut);
    layer.weight = weight;
    layer.bias = in[2].primal;
    return layer;
  };
  const Duals weights{constant_dual(7, {kOut, kIn}), constant_dual(8, {kOut})};
  for (const Dual& x : forms({kSamples * kTokens, kIn})) {
    expect_equal([&](const Duals& in) { return layer_of(in, in[1].primal)(in[0]); }, {x, weights[0], weights[1]});
    const auto after_gelu = [](const Duals& in) { return nn::pending_gelu(biased(in[0], in[3])); };
    expect_equal([&](const Duals& in) { return layer_of(in, in[1].primal)(after_gelu(in)); },
                 {x, weights[0], weights[1], constant_dual(9, {kIn})});
    // frozen: nothing is kept for a gradient that nobody asks for
    expect_equal([&](const Duals& in) { return layer_of(in, in[1].primal.detach())(after_gelu(in)); },
                 {x, weights[0], weights[1], constant_dual(9, {kIn})});
  }
  const Layer after_norm = [&](const Duals& in) {
    return layer_of(in, in[1].primal)(nn::pending_layer_norm_modulate(in[0], in[3], in[4]));
  };
  for (const Dual& x : forms({kSamples, kTokens, kIn})) {
    const Dual moving = normal_dual(5, {kSamples, kIn}), fixed = constant_dual(6, {kSamples, kIn});
    expect_equal(after_norm, {x, weights[0], weights[1], moving, fixed});
    expect_equal(after_norm, {x, weights[0], weights[1], fixed, fixed});
  }
}

// rows of which each thread adds up its own, and few and wide ones, of which they make one sum
TEST_P(BlocksTest, LinearLayersInBlocksOfRowsByThreads) {
  const test::WithThreads threads(3);
  for (const auto& [tokens, in, out] :
       {std::array<int64_t, 3>{641, 70, 67}, {642, 70, 67}, {133, 300, 31}, {134, 300, 31}}) {
    const auto layer_of = [](const Duals& arguments) {
      nn::Linear layer(1, 1);
      layer.weight = arguments[1].primal;
      layer.bias = arguments[2].primal;
      return layer;
    };
    const Dual x = normal_dual(1, {3, tokens, in}), weight = constant_dual(7, {out, in}),
               bias = constant_dual(8, {out});
    const Dual shift = normal_dual(5, {3, in}), scale = constant_dual(6, {3, in}), bias_before = constant_dual(9, {in});
    const Layer after_norm = [&](const Duals& arguments) {
      return layer_of(arguments)(nn::pending_layer_norm_modulate(arguments[0], arguments[3], arguments[4]));
    };
    expect_equal(after_norm, {x, weight, bias, shift, scale});
    const Layer after_gelu = [&](const Duals& arguments) {
      return layer_of(arguments)(nn::pending_gelu(biased(arguments[0], arguments[3])));
    };
    expect_equal(after_gelu, {x, weight, bias, bias_before});
    expect_equal([&](const Duals& arguments) { return layer_of(arguments)(arguments[0]); }, {x, weight, bias});
  }
}

// any of x, affine part or bias before, weight and bias may be frozen, and by the time of the gradient other threads be there
TEST_P(BlocksTest, LinearLayersInBlocksOfWhichSomeIsFrozen) {
  constexpr int64_t kSamples = 4, kTokens = 67, kIn = 150, kOut = 20;
  const auto gradients = [&](bool norm, unsigned trained, at::ScalarType type) {
    std::vector<Tensor> inputs;
    const auto leaf = [&](unsigned which, int64_t seed, at::IntArrayRef shape) {
      const Tensor x = normal(seed, shape).to(type);
      if ((trained >> which & 1u) == 0) return x;
      inputs.push_back(x.requires_grad_());
      return x;
    };
    const Dual x{leaf(0, 1, {kSamples, kTokens, kIn}), normal(2, {kSamples, kTokens, kIn}).to(type)};
    const Dual shift{leaf(1, 3, {kSamples, kIn}), {}},
        scale{leaf(1, 4, {kSamples, kIn}), normal(5, {kSamples, kIn}).to(type)};
    nn::Linear layer(1, 1);
    layer.weight = leaf(2, 6, {kOut, kIn});
    layer.bias = leaf(3, 7, {kOut});
    const Dual z = layer(norm ? nn::pending_layer_norm_modulate(x, shift, scale)
                              : nn::pending_gelu(nn::Biased<Dual>{x, leaf(1, 8, {kIn})}));
    const Tensor sum = (z.primal * normal(9, z.primal.sizes()).to(type)).sum() +
                       (z.tangent * normal(10, z.tangent.sizes()).to(type)).sum();
    const auto found = [&](int count) {
      const test::WithThreads threads(count);
      return torch::autograd::grad({sum}, inputs, {}, /*retain_graph=*/true, false, /*allow_unused=*/true);
    };
    auto all = found(1);
    for (const Tensor& again : found(3)) all.push_back(again);
    return all;
  };
  for (const bool norm : {false, true}) {
    for (unsigned trained = 1; trained < 16; ++trained) {
      const auto found = gradients(norm, trained, at::kFloat), exact = gradients(norm, trained, at::kDouble);
      for (size_t i = 0; i < exact.size(); ++i) {
        ASSERT_EQ(found[i].defined(), exact[i].defined()) << norm << ", trained " << trained << ", gradient " << i;
        if (!exact[i].defined()) continue;
        EXPECT_LT((found[i].to(at::kDouble) - exact[i]).norm().item<double>(), 2e-5 * exact[i].norm().item<double>())
            << norm << ", trained " << trained << ", gradient " << i;
      }
    }
  }
}

TEST(OverParts, GivesEachRowToOnePartAndStepsAsAWhole) {
  const test::WithThreads threads(3);
  for (const auto& [rows, step, parts] :
       {std::array<int64_t, 3>{12, 4, 3}, {7, 1, 3}, {2, 1, 3}, {9, 2, 2}, {21, 7, 2}, {5, 8, 3}}) {
    std::vector<int64_t> parts_of(static_cast<size_t>(rows), -1), starts(static_cast<size_t>(parts), -1);
    nn::over_parts(rows, step, parts, [&](int64_t part, int64_t from, int64_t to) {
      starts[static_cast<size_t>(part)] = from;
      for (int64_t row = from; row < to; ++row) parts_of[static_cast<size_t>(row)] = part;
    });
    EXPECT_TRUE(std::is_sorted(parts_of.begin(), parts_of.end()));
    EXPECT_GE(parts_of.front(), 0);
    for (const int64_t start : starts) EXPECT_TRUE(start % step == 0 || start == rows) << start << " of " << rows;
    const auto largest = std::max<int64_t>(step, (rows / step / parts + 1) * step);
    for (int64_t part = 0; part < parts; ++part) EXPECT_LE(std::count(parts_of.begin(), parts_of.end(), part), largest);
  }
}

TEST(LinearInBlocks, SaysWhatDoesNotFitTogether) {
  const auto after_gelu = [](const Tensor& x) { return nn::pending_gelu(nn::Biased<Tensor>{x, {}}); };
  nn::Linear layer(70, 131);
  EXPECT_THROW(layer(after_gelu(at::zeros({200, 69}))), c10::Error);
  layer.bias = at::zeros({130});
  EXPECT_THROW(layer(after_gelu(at::zeros({200, 70}))), c10::Error);
  layer.bias = at::zeros({1}).expand({131});
  EXPECT_EQ(layer(after_gelu(at::zeros({200, 70}))).sizes(), at::IntArrayRef({200, 131}));
}

INSTANTIATE_TEST_SUITE_P(Isas, BlocksTest, test::kIsas, test::name_of_isa);

}  // namespace
}  // namespace ttfm
