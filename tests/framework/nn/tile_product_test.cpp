// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Products by matrix units beside those in double: as exact as fp32, in every layout and at sizes that fit nothing.
#include "nn/tile_product.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <tuple>

#include "framework/nn/samples.h"
#include "kernels/isa.h"

namespace ttfm::nn {
namespace {

using test::normal;

TileMatrix matrix(const Tensor& x) { return {x.const_data_ptr<float>(), x.stride(0), x.stride(1)}; }

Tensor product(const Tensor& a, const Tensor& b) {
  const Tensor c = at::full({a.size(0), b.size(1)}, NAN);
  multiply_tiles(matrix(a), matrix(b), a.size(0), a.size(1), b.size(1), /*add=*/false, c.mutable_data_ptr<float>(),
                 c.size(1));
  return c;
}

/// The largest difference, in units of what a rounding of fp32 may come to in a sum of such numbers.
double error(const Tensor& c, const Tensor& a, const Tensor& b) {
  const Tensor exact = at::mm(a.to(at::kDouble), b.to(at::kDouble));
  const Tensor size = at::mm(a.to(at::kDouble).abs(), b.to(at::kDouble).abs());
  return ((c.to(at::kDouble) - exact).abs() / size).max().item<double>() / std::numeric_limits<float>::epsilon();
}

class TileProductTest : public testing::TestWithParam<std::tuple<int64_t, int64_t, int64_t>> {
 protected:
  void SetUp() override {
    if (!kernels::supported(kernels::Isa::amx)) GTEST_SKIP() << "this processor has no matrix units";
  }
};

TEST_P(TileProductTest, IsAsExactAsFp32InEveryLayout) {
  const auto [m, k, n] = GetParam();
  const Tensor a = normal(1, {m, k}).to(at::kFloat), b = normal(2, {k, n}).to(at::kFloat);
  const Tensor a_turned = a.t().contiguous().t(), b_turned = b.t().contiguous().t();
  const double of_fp32 = error(at::mm(a, b), a, b);
  for (const Tensor& left : {a, a_turned}) {
    for (const Tensor& right : {b, b_turned}) EXPECT_LE(error(product(left, right), a, b), std::max(1.0, 2 * of_fp32));
  }
}

TEST_P(TileProductTest, AddsAndLeavesWhatLiesBeside) {
  const auto [m, k, n] = GetParam();
  const Tensor a = normal(3, {m, k}).to(at::kFloat), b = normal(4, {k, n}).to(at::kFloat);
  const Tensor wide = at::full({m, n + 5}, 7.F);
  multiply_tiles(matrix(a), matrix(b), m, k, n, /*add=*/true, wide.mutable_data_ptr<float>(), wide.stride(0));
  EXPECT_TRUE(wide.slice(1, n).eq(7).all().item<bool>());
  const Tensor exact = at::mm(a.to(at::kDouble), b.to(at::kDouble)) + 7;
  EXPECT_LE((wide.slice(1, 0, n).to(at::kDouble) - exact).abs().max().item<double>(), 1e-6 * std::sqrt(k) * 10);
}

INSTANTIATE_TEST_SUITE_P(Sizes, TileProductTest,
                         testing::Values(std::tuple{1, 1, 1}, std::tuple{16, 32, 16}, std::tuple{17, 33, 15},
                                         std::tuple{64, 256, 96}, std::tuple{130, 77, 200}, std::tuple{33, 1100, 49},
                                         std::tuple{31, 520, 1}));

TEST(TileProductOfAll, SizesOfNumbersKeepsDigits) {
  if (!kernels::supported(kernels::Isa::amx)) GTEST_SKIP() << "this processor has no matrix units";
  // each row and column with another power of two, from 2^-90 to 2^90
  const Tensor powers = at::arange(-90., 91., 4.).exp2().to(at::kFloat);
  const Tensor a = normal(5, {powers.size(0), 64}).to(at::kFloat) * powers.unsqueeze(1);
  const Tensor b = normal(6, {64, 40}).to(at::kFloat);
  EXPECT_LE(error(product(a, b), a, b), 2);
}

TEST(TileProductOfAll, WhatIsNotFiniteStaysSo) {
  if (!kernels::supported(kernels::Isa::amx)) GTEST_SKIP() << "this processor has no matrix units";
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {NAN, -NAN, infinity, -infinity, std::bit_cast<float>(0x7fffffffU)}) {
    const Tensor a = normal(7, {20, 40}).to(at::kFloat), b = normal(8, {40, 20}).to(at::kFloat);
    a[3][5] = bad;
    const Tensor c = product(a, b);
    EXPECT_FALSE(c[3].isfinite().any().item<bool>());
    EXPECT_EQ(c.isfinite().sum().item<int64_t>(), 19 * 20);
  }
}

}  // namespace
}  // namespace ttfm::nn
