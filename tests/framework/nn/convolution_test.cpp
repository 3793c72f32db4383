// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Convolutions of every instruction set and their gradients beside LibTorch's in double, at sizes that fit nothing.
#include "nn/convolution.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include <ttfm/nn/conv.h>

#include "framework/nn/samples.h"
#include "kernels/isa.h"
#include "nn/packed_matrix.h"
#include "nn/product.h"
#include "nn/winograd_convolution.h"

namespace ttfm::nn {
namespace {

using kernels::Isa;
using test::normal;

struct Case {
  int64_t batch, in, out, height, width, kernel;
};

class ConvolutionTest : public testing::TestWithParam<std::tuple<Isa, Case>> {
 protected:
  void SetUp() override {
    const Isa isa = std::get<Isa>(GetParam());
    if (!kernels::supported(isa)) GTEST_SKIP() << "not of this processor";
    kernels::use(isa);
  }
  void TearDown() override {
    kernels::use(std::nullopt);
    at::set_num_threads(threads_before_);
  }

  /// At most twice as far from the exact result as LibTorch's in fp32 is.
  static void expect_same(const Tensor& found, const Tensor& in_fp32, const Tensor& exact) {
    ASSERT_EQ(found.sizes(), exact.sizes());
    const auto error = [&](const Tensor& y) {
      return (y.to(at::kDouble) - exact).norm().item<double>() / exact.norm().item<double>();
    };
    EXPECT_LE(error(found), 2 * error(in_fp32));
  }

 private:
  int threads_before_ = at::get_num_threads();
};

struct Results {
  Tensor y, of_x, of_weight;
};

Results of_libtorch(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& g, int64_t padding) {
  const Tensor y = at::convolution(x, weight, bias, {1, 1}, {padding, padding}, {1, 1}, false, {0, 0}, 1);
  const auto [of_x, of_weight, of_bias] =
      at::convolution_backward(g, x, weight, at::IntArrayRef{weight.size(0)}, {1, 1}, {padding, padding}, {1, 1}, false,
                               {0, 0}, 1, {true, true, false});
  return {y, of_x, of_weight};
}

/// What a layer computes, by whatever way is the fastest for it.
Results of_product(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& g, int64_t padding) {
  const Product product{.kind = Product::Kind::conv2d, .stride = 1, .padding = padding};
  const auto gradients =
      multiply_backward(product, {g, {}}, {x, {}}, weight, {.x = true, .weight = true, .bias = false});
  return {multiply(product, {x, {}}, weight, bias).primal, gradients.x.primal, gradients.weight};
}

TEST_P(ConvolutionTest, IsThatOfLibTorch) {
  const auto [batch, in, out, height, width, kernel] = std::get<Case>(GetParam());
  const int64_t padding = kernel / 2;
  const auto numbers = [](uint64_t seed, at::IntArrayRef shape) { return normal(seed, shape).to(at::kFloat); };
  const Tensor x = numbers(1, {batch, in, height, width}), g = numbers(2, {batch, out, height, width});
  const Tensor weight = numbers(3, {out, in, kernel, kernel}), bias = numbers(4, {out});
  if (kernel == 3 && std::min(height, width) >= 4) {
    ASSERT_TRUE(takes_convolution(x, weight, 1, padding));
  }
  const auto exactly = [](const Tensor& a) { return a.to(at::kDouble); };
  const Results exact = of_libtorch(exactly(x), exactly(weight), exactly(bias), exactly(g), padding);
  const Results in_fp32 = of_libtorch(x, weight, bias, g, padding);
  const Results found = of_product(x, weight, bias, g, padding);
  expect_same(found.y, in_fp32.y, exact.y);
  expect_same(found.of_x, in_fp32.of_x, exact.of_x);
  expect_same(found.of_weight, in_fp32.of_weight, exact.of_weight);
}

class WinogradTest : public ConvolutionTest {};

/// An image's result is the same bit for bit whatever else is in the batch, and all results with any number of threads.
TEST_P(WinogradTest, IsTheSameInAnyBatchOnAnyThreads) {
  const auto [batch, in, out, height, width, kernel] = std::get<Case>(GetParam());
  const auto numbers = [](uint64_t seed, at::IntArrayRef shape) { return normal(seed, shape).to(at::kFloat); };
  const Tensor x = numbers(1, {batch, in, height, width}), g = numbers(2, {batch, out, height, width});
  const Tensor weight = numbers(3, {out, in, kernel, kernel});
  ASSERT_TRUE(takes_winograd(x, out, kernel));
  at::set_num_threads(1);
  const Tensor y = convolve_winograd(x, weight, {}), of_x = convolve_winograd_gradient_of_x(g, weight);
  const Tensor of_weight = convolve_winograd_gradient_of_weight(g, x);
  const auto last = [](const Tensor& a) { return a.narrow(0, a.size(0) - 1, 1); };
  EXPECT_TRUE(at::equal(convolve_winograd(last(x), weight, {}), last(y)));
  at::set_num_threads(3);
  EXPECT_TRUE(at::equal(convolve_winograd(x, weight, {}), y));
  EXPECT_TRUE(at::equal(convolve_winograd_gradient_of_x(g, weight), of_x));
  EXPECT_TRUE(at::equal(convolve_winograd_gradient_of_weight(g, x), of_weight));
}

constexpr Case kWinogradCases[] = {{2, 32, 32, 8, 8, 3},   {1, 64, 96, 33, 7, 3},    {5, 96, 32, 5, 13, 3},
                                   {3, 32, 64, 40, 32, 3}, {1, 256, 256, 16, 16, 3}, {3, 17, 83, 6, 9, 3}};
constexpr Case kOtherCases[] = {{40, 64, 32, 3, 3, 3}, {2, 32, 32, 9, 11, 5}, {3, 64, 160, 6, 10, 1},
                                {7, 64, 64, 1, 2, 3},  {2, 35, 16, 4, 5, 5},  {1, 70, 66, 7, 1, 3}};

std::string name_of(const testing::TestParamInfo<std::tuple<Isa, Case>>& test) {
  return std::string(name(std::get<Isa>(test.param))) + "_" + std::to_string(test.index);
}

constexpr auto kIsas = {Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx};
INSTANTIATE_TEST_SUITE_P(Sizes, ConvolutionTest,
                         testing::Combine(testing::ValuesIn(kIsas), testing::ValuesIn(kWinogradCases)), name_of);
INSTANTIATE_TEST_SUITE_P(OtherSizes, ConvolutionTest,
                         testing::Combine(testing::ValuesIn(kIsas), testing::ValuesIn(kOtherCases)), name_of);
INSTANTIATE_TEST_SUITE_P(Sizes, WinogradTest,
                         testing::Combine(testing::Values(Isa::avx2, Isa::avx512, Isa::avx512_bf16),
                                          testing::ValuesIn(kWinogradCases)),
                         name_of);

TEST(Convolution, LeavesWhatIsNotWorthItOrChangesTheSize) {
  const auto takes = [](at::IntArrayRef x, at::IntArrayRef weight, int64_t stride, int64_t padding) {
    return takes_convolution(normal(1, x).to(at::kFloat), normal(2, weight).to(at::kFloat), stride, padding);
  };
  EXPECT_EQ(takes({8, 64, 32, 32}, {64, 64, 3, 3}, 1, 1), PackedMatrix::supported(at::kFloat));
  EXPECT_FALSE(takes({8, 1, 32, 32}, {64, 1, 3, 3}, 1, 1));
  EXPECT_FALSE(takes({8, 64, 32, 32}, {1, 64, 3, 3}, 1, 1));
  EXPECT_FALSE(takes({8, 64, 32, 32}, {64, 64, 3, 3}, 2, 1));
  EXPECT_FALSE(takes({8, 64, 32, 32}, {64, 64, 3, 3}, 1, 0));
  EXPECT_FALSE(takes({8, 64, 32, 32}, {64, 32, 3, 3}, 1, 1));
}

TEST(Convolution, SaysThatABiasDoesNotFit) {
  Conv2d layer(32, 64, {.kernel = 3, .stride = 1, .padding = 1});
  layer.bias = at::zeros({63});
  EXPECT_THROW(layer(at::zeros({2, 32, 8, 8})), c10::Error);
}

}  // namespace
}  // namespace ttfm::nn
