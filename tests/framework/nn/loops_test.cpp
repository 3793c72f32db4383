// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The loops of framework/kernels, of every instruction set and in both types, beside LibTorch's operations in double:
// values, tangents and the gradients of everything that went in.
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>
#include <string>
#include <vector>

#include <ttfm/nn/attention.h>
#include <ttfm/nn/conv.h>
#include <ttfm/nn/linear.h>
#include <ttfm/nn/norm.h>

#include "facade/autocast.h"
#include "framework/nn/loops_fixture.h"
#include "nn/loops.h"

namespace ttfm {
namespace {

using nn::linear_map;
using test::biased;
using test::constant_dual;
using test::Duals;
using test::forms;
using test::Layer;
using test::LoopsTest;
using test::normal;
using test::normal_dual;

TEST_P(LoopsTest, ActivationsWithAndWithoutBias) {
  for (const auto& shape : {std::vector<int64_t>{3, 7}, {2, 5, 33}, {1, 1, 1}}) {
    for (const Dual& x : forms(shape)) {
      const Dual bias = constant_dual(7, {shape.back()});
      expect_equal([](const Duals& in) { return nn::pending_silu(biased(in[0], in[1])).value(); }, {x, bias});
      expect_equal([](const Duals& in) { return nn::pending_gelu(biased(in[0], in[1])).value(); }, {x, bias});
      expect_equal([](const Duals& in) { return nn::pending_gelu(nn::Biased<Dual>{in[0], {}}).value(); }, {x});
    }
  }
}

TEST_P(LoopsTest, ActivationsOfNumbersFarOutAndOfNoNumber) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor numbers = at::tensor({-3e38, -1e30, -1e4, -90., -20., -0.5, 0., 0.5, 20., 90., 1e4, 1e30, 3e38, nan});
  const Tensor x = numbers.repeat({1, 2, 3});  // by vectors, and what is left of a row
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const Dual in{x.to(type), at::ones_like(x, type)};
    for (const auto& f : {nn::pending_silu<Dual>, nn::pending_gelu<Dual>}) {
      const Dual y = f({in, {}}).value(),
                 exact = f({linear_map(in, [](const Tensor&a) { return a.to(at::kDouble); }), {}}).value();
      const double tolerance = type == at::kFloat ? 1e-6 : 4e-3;
      EXPECT_TRUE(at::allclose(y.primal.to(at::kDouble), exact.primal, tolerance, 1e-6, /*equal_nan=*/true))
          << y.primal;
      EXPECT_TRUE(at::allclose(y.tangent.to(at::kDouble), exact.tangent, tolerance, 1e-6, true)) << y.tangent;
    }
  }
}

TEST_P(LoopsTest, ActivationsInBfloat16AreOffByLittleMoreThanTheirRounding) {
  const Tensor x = at::arange(-12, 12, 1. / 64).to(at::kBFloat16).view({1, 4, -1});
  const auto results = [&](const Layer& layer, at::ScalarType type) {
    const Dual in{x.to(type).requires_grad_(), at::ones_like(x, type)};
    const Dual y = layer({in});
    std::vector<Tensor> all{y.primal.detach(), y.tangent.detach()};
    all.push_back(torch::autograd::grad({y.tangent.sum()}, {in.primal})[0]);  // f''
    return all;
  };
  for (const auto& f : {nn::pending_silu<Dual>, nn::pending_gelu<Dual>}) {
    const Layer layer = [&](const Duals& in) { return f({in[0], {}}).value(); };
    const std::vector<Tensor> found = results(layer, at::kBFloat16), exact = results(layer, at::kDouble);
    for (size_t i = 0; i < exact.size(); ++i) {
      EXPECT_TRUE(at::allclose(found[i].to(at::kDouble), exact[i], /*rtol=*/1.1 / 256, /*atol=*/2e-4))
          << "derivative " << i << ": " << (found[i].to(at::kDouble) - exact[i]).abs().max();
    }
  }
}

TEST_P(LoopsTest, ModulatedLayerNorm) {
  const Layer layer = [](const Duals& in) { return nn::pending_layer_norm_modulate(in[0], in[1], in[2]).value(); };
  for (const auto& shape : {std::vector<int64_t>{3, 7}, {2, 5, 33}, {3, 1, 16}}) {
    for (const Dual& x : forms(shape)) {
      for (const Dual& scale : {normal_dual(5, {shape[0], shape.back()}), constant_dual(5, {shape[0], shape.back()})}) {
        expect_equal(layer, {x, normal_dual(6, {shape[0], shape.back()}), scale});
        expect_equal(layer, {x, constant_dual(6, {shape[0], shape.back()}), scale});
      }
    }
  }
}

TEST_P(LoopsTest, LayerNormWithSharedWeightsAndWithout) {
  const Layer plain = [](const Duals& in) { return nn::layer_norm(in[0]); };
  const Layer shared = [](const Duals& in) {
    nn::LayerNorm layer(in[1].primal.size(0));
    layer.weight = in[1].primal;
    layer.bias = in[2].primal;
    return layer(in[0]);
  };
  for (const Dual& x : forms({3, 4, 9})) {
    expect_equal(plain, {x});
    expect_equal(shared, {x, constant_dual(5, {9}), constant_dual(6, {9})});
  }
}

Dual channels_last(const Dual& x) {
  return linear_map(x, [](const Tensor& a) { return a.contiguous(at::MemoryFormat::ChannelsLast); });
}

TEST_P(LoopsTest, GroupNormWithSiluAndModulation) {
  const auto norm = [](const Duals& in, int64_t groups) {
    nn::GroupNorm layer(groups, in[0].primal.size(1));
    layer.weight = in[1].primal;
    layer.bias = in[2].primal;
    return layer;
  };
  for (const auto& [shape, groups] :
       {std::pair<std::vector<int64_t>, int64_t>{{2, 6, 3, 5}, 3}, {{1, 33, 2, 2}, 11}, {{3, 4, 1, 7}, 1}}) {
    const int64_t count = groups, channels = shape[1];
    const Dual gamma = constant_dual(5, {channels}), beta = constant_dual(6, {channels});
    const Dual modulation = normal_dual(7, {shape[0], channels}), fixed = constant_dual(8, {shape[0], channels});
    for (const Dual& x : forms(shape)) {
      expect_equal([&](const Duals& in) { return norm(in, count)(channels_last(in[0])); }, {x, gamma, beta});
      expect_equal([&](const Duals& in) { return norm(in, count).silu(channels_last(in[0])); }, {x, gamma, beta});
      for (const Dual& scale : {modulation, fixed}) {
        expect_equal([&](const Duals& in) { return norm(in, count).modulate_silu(channels_last(in[0]), in[3], in[4]); },
                     {x, gamma, beta, modulation, scale});
        expect_equal([&](const Duals& in) { return norm(in, count).modulate_silu(channels_last(in[0]), in[3], in[4]); },
                     {x, gamma, beta, fixed, scale});
      }
    }
  }
}

TEST_P(LoopsTest, GatedResidual) {
  const Layer layer = [](const Duals& in) { return nn::add_gated(in[0], in[1], biased(in[2], in[3])); };
  for (const Dual& x : forms({2, 5, 19})) {
    for (const Dual& y : forms({2, 5, 19})) {
      for (const Dual& gate : {normal_dual(5, {2, 19}), constant_dual(5, {2, 19})}) {
        expect_equal(layer, {x, gate, y, constant_dual(6, {19})});
      }
    }
  }
}

TEST_P(LoopsTest, SumsOfColumns) {
  for (const auto& [rows, columns] : {std::pair<int64_t, int64_t>{1, 1}, {7, 3}, {8, 16}, {2053, 70}, {9, 1100}}) {
    const Tensor whole = normal(1, {rows, columns + 5}) + 3.0;
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      const Tensor x = whole.to(type).slice(1, 2, 2 + columns), exact = x.to(at::kDouble).sum(0);
      const Tensor sums = nn::column_sums(x);
      EXPECT_EQ(sums.scalar_type(), at::kFloat);
      EXPECT_TRUE(at::allclose(sums.to(at::kDouble), exact, /*rtol=*/2e-6, /*atol=*/1e-6))
          << rows << " x " << columns << ": " << (sums.to(at::kDouble) - exact).abs().max();
    }
  }
}

TEST_P(LoopsTest, LongSumsOfColumns) {
  const Tensor x = at::full({1 << 20, 3}, 0.1f), repeated = at::full({1, 3}, 0.1f).expand({1 << 20, 3});
  for (const Tensor& each : {x, repeated, x.t().contiguous().t()}) {
    EXPECT_TRUE(at::allclose(nn::column_sums(each), at::full({3}, 0.1f * (1 << 20)), /*rtol=*/2e-5)) << each.strides();
  }
}

TEST_P(LoopsTest, BiasesAndGatesInAnyForm) {
  const auto as_is = [](const Tensor& bias) {
    return [bias](const Duals& in) {
      const Tensor own = in[0].primal.scalar_type() == at::kDouble ? bias.to(at::kDouble) : bias;
      return nn::pending_gelu(nn::Biased<Dual>{in[0], own}).value();
    };
  };
  const Dual x = normal_dual(1, {2, 5, 19});
  const Tensor bias = normal(6, {19}).to(at::kBFloat16);
  for (const Tensor& form : {bias, bias.slice(0, 0, 1).expand({19}), bias.to(at::kFloat).slice(0, 0, 1)}) {
    expect_equal(as_is(form), {x});
    expect_equal(
        [&](const Duals& in) {
          const auto type = in[0].primal.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
          const Tensor gate = normal(5, {2, 1}).to(type), own = type == at::kDouble ? form.to(type) : form;
          return nn::add_gated(in[0], Dual{gate, {}}, {in[1], own});
        },
        {x, normal_dual(2, {2, 5, 19})});
  }
}

TEST_P(LoopsTest, GatedResidualOfAFrozenNetwork) {
  for (const Dual& gate : {normal_dual(5, {2, 19}), constant_dual(5, {2, 19})}) {
    // in the type that weights have
    const Layer layer = [&gate](const Duals& in) {
      const auto type = in[0].primal.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
      const Dual own = linear_map(gate, [type](const Tensor& a) { return a.defined() ? a.to(type) : a; });
      return nn::add_gated(in[0], own, {in[1], constant_dual(6, {19}).primal.to(type)});
    };
    const Layer with_bias_trained = [&gate](const Duals& in) {
      const auto type = in[0].primal.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
      const Dual own = linear_map(gate, [type](const Tensor& a) { return a.defined() ? a.to(type) : a; });
      return nn::add_gated(in[0], own, biased(in[1], in[2]));
    };
    for (const Dual& y : forms({2, 5, 19})) {
      expect_equal(layer, {normal_dual(1, {2, 5, 19}), y});
      expect_equal(with_bias_trained, {normal_dual(1, {2, 5, 19}), y, constant_dual(6, {19})});
    }
  }
}

TEST_P(LoopsTest, GradientsOfAGatedResidualHaveGradients) {
  for (const bool frozen : {false, true}) {
    const auto second_gradients = [frozen](at::ScalarType type) {
      const auto leaf = [type](int64_t seed, at::IntArrayRef shape, bool trained) {
        return normal(seed, shape).to(type).requires_grad_(trained);
      };
      const Tensor gate = leaf(5, {2, 19}, !frozen), bias = leaf(6, {19}, !frozen);
      std::vector<Tensor> inputs{leaf(1, {2, 5, 19}, true), leaf(2, {2, 5, 19}, true)};
      const Tensor out = nn::add_gated(inputs[0], gate, {inputs[1], bias});
      if (!frozen) inputs.insert(inputs.end(), {gate, bias});
      Tensor sum = at::zeros({}, type);
      for (const Tensor& g : torch::autograd::grad({out.pow(3).sum()}, inputs, {}, std::nullopt, /*create_graph=*/true))
        sum = sum + g.square().sum();
      return torch::autograd::grad({sum}, inputs);
    };
    const auto found = second_gradients(at::kFloat), exact = second_gradients(at::kDouble);
    for (size_t i = 0; i < exact.size(); ++i)
      EXPECT_LT((found[i].to(at::kDouble) - exact[i]).norm().item<double>(), 1e-5 * exact[i].norm().item<double>())
          << i;
  }
}

TEST_P(LoopsTest, SelfAttention) {
  const auto layer = [](const Duals& in, int64_t heads) {
    nn::SelfAttention attention(in[0].primal.size(-1), heads);
    attention.qkv.weight = in[1].primal * 0.3;  // logits of the size of 1
    attention.qkv.bias = in[2].primal;
    attention.out.weight = in[3].primal;
    attention.out.bias = in[4].primal;
    return attention(in[0]);
  };
  // the last two: weights that are computed again, and several blocks of rows with weights that are kept
  for (const auto& [shape, heads] :
       {std::pair<std::vector<int64_t>, int64_t>{{2, 5, 6}, 3}, {{1, 1, 6}, 3}, {{3, 33, 6}, 3}, {{2, 77, 21}, 1}}) {
    const int64_t width = shape.back(), count = heads;
    for (const Dual& x : forms(shape)) {
      const Layer in_type = [&](const Duals& in) {
        Duals own = in;  // outside of autocast a product has the type of both its factors
        for (size_t i = 1; i < own.size(); ++i) {
          if (in[0].primal.scalar_type() == at::kBFloat16) own[i].primal = own[i].primal.to(at::kBFloat16);
        }
        own[2].primal = in[2].primal;
        return layer(own, count);
      };
      expect_equal(in_type, {x, constant_dual(5, {3 * width, width}), constant_dual(6, {3 * width}),
                             constant_dual(7, {width, width}), constant_dual(8, {width})});
    }
  }
}

TEST_P(LoopsTest, LayersThatTakeWhatIsPending) {
  const Layer linear = [](const Duals& in) {
    nn::Linear layer(9, 4);
    layer.weight = in[3].primal;
    layer.bias = in[4].primal;
    return layer(nn::pending_layer_norm_modulate(in[0], in[1], in[2]));
  };
  const Layer conv = [](const Duals& in) {
    nn::GroupNorm norm(3, 6);
    norm.weight = in[1].primal;
    norm.bias = in[2].primal;
    nn::Conv2d layer(6, 4, {.kernel = 3, .stride = 2, .padding = 1});
    layer.weight = in[3].primal;
    layer.bias = in[4].primal;
    return layer(norm.pending_silu(channels_last(in[0])));
  };
  for (const Dual& x : forms({2, 5, 9})) {
    const Duals arguments{x, normal_dual(5, {2, 9}), normal_dual(6, {2, 9}), constant_dual(7, {4, 9}),
                          constant_dual(8, {4})};
    expect_equal(linear, arguments);
  }
  for (const Dual& x : forms({2, 6, 5, 3})) {
    expect_equal(
        conv, {x, constant_dual(5, {6}), constant_dual(6, {6}), constant_dual(7, {4, 6, 3, 3}), constant_dual(8, {4})});
  }
}

TEST_P(LoopsTest, NormsAndActivationsWhoseAffinePartIsFrozen) {
  const auto frozen = [](int64_t seed, at::IntArrayRef shape, const Dual& like) {
    return normal(seed, shape).to(like.primal.scalar_type() == at::kDouble ? at::kDouble : at::kFloat);
  };
  const Layer norm = [&](const Duals& in) {
    const Dual shift{frozen(5, {2, 33}, in[0]), frozen(6, {2, 33}, in[0])}, scale{frozen(7, {2, 33}, in[0]), {}};
    return nn::pending_layer_norm_modulate(in[0], shift, scale).value();
  };
  const Layer activation = [&](const Duals& in) {
    return nn::pending_gelu(nn::Biased<Dual>{in[0], frozen(8, {33}, in[0])}).value();
  };
  for (const Dual& x : forms({2, 5, 33})) {
    expect_equal(norm, {x});
    expect_equal(activation, {x});
  }
}

// few and small images, for which LibTorch takes another way than oneDNN's, that wants all of one type
TEST(Convolution, PassesGradientsThroughFrozenWeightsIn16Bits) {
  for (const int64_t batch : {1, 8}) {
    for (const int64_t side : {5, 32}) {
      nn::Conv2d layer(32, 8, {.kernel = 3, .padding = 1});
      layer.weight = normal(7, {8, 32, 3, 3}).to(at::kFloat);
      const auto gradient = [&](at::ScalarType type) {
        const Autocast autocast(c10::DeviceType::CPU, type);
        const Tensor x = normal(1, {batch, 32, side, side}).to(at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
        x.requires_grad_();
        const Tensor y = layer(x);
        (y.to(at::kFloat) * normal(2, y.sizes()).to(at::kFloat)).sum().backward();
        return x.grad();
      };
      const Tensor exact = gradient(at::kFloat), found = gradient(at::kBFloat16);
      EXPECT_EQ(found.scalar_type(), at::kFloat);
      EXPECT_LT((found - exact).norm().item<double>(), 4e-2 * exact.norm().item<double>());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, LoopsTest, test::kIsas, test::name_of_isa);

}  // namespace
}  // namespace ttfm
