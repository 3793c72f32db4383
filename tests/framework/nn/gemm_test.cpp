// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Products of every instruction set beside those in double: as exact as fp32, in every layout and at sizes that fit nothing.
#include "nn/gemm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>

#include "framework/nn/samples.h"
#include "kernels/isa.h"

namespace ttfm::nn {
namespace {

using test::normal;

using kernels::Isa;

template <class T = float>
StridedMatrix<T> matrix(const Tensor& x) {
  return {static_cast<const T*>(x.const_data_ptr()), x.stride(0), x.stride(1)};
}

template <class T = float>
Tensor product(const Tensor& a, const Tensor& b) {
  const Tensor c = at::full({a.size(0), b.size(1)}, NAN);
  gemm(a.size(0), b.size(1), a.size(1), matrix<T>(a), matrix<T>(b), /*add=*/false, c.mutable_data_ptr<float>(),
       c.size(1));
  return c;
}

Tensor turned(const Tensor& a) { return a.t().contiguous().t(); }

/// The largest difference, in units of what a rounding of fp32 may come to in a sum of such numbers.
double error(const Tensor& c, const Tensor& a, const Tensor& b) {
  const Tensor exact = at::mm(a.to(at::kDouble), b.to(at::kDouble));
  const Tensor size = at::mm(a.to(at::kDouble).abs(), b.to(at::kDouble).abs());
  return ((c.to(at::kDouble) - exact).abs() / size).max().item<double>() / std::numeric_limits<float>::epsilon();
}

class WithIsa {
 protected:
  /// Whether this processor has it.
  static bool use(Isa isa) {
    if (!kernels::supported(isa)) return false;
    kernels::use(isa);
    return true;
  }
  ~WithIsa() { kernels::use(std::nullopt); }
};

struct Size {
  int64_t m, k, n;
};

class GemmTest : public testing::TestWithParam<std::tuple<Isa, Size>>, protected WithIsa {
 protected:
  void SetUp() override {
    if (!use(std::get<Isa>(GetParam()))) GTEST_SKIP() << "not of this processor";
  }
};

TEST_P(GemmTest, IsAsExactAsFp32InEveryLayout) {
  const auto [m, k, n] = std::get<Size>(GetParam());
  const Tensor a = normal(1, {m, k}).to(at::kFloat), b = normal(2, {k, n}).to(at::kFloat);
  const double of_fp32 = error(at::mm(a, b), a, b);
  for (const Tensor& left : {a, turned(a)}) {
    for (const Tensor& right : {b, turned(b)}) EXPECT_LE(error(product(left, right), a, b), std::max(1.0, 2 * of_fp32));
  }
}

TEST_P(GemmTest, AddsAndLeavesWhatLiesBeside) {
  const auto [m, k, n] = std::get<Size>(GetParam());
  const Tensor a = normal(3, {m, k}).to(at::kFloat), b = normal(4, {k, n}).to(at::kFloat);
  const Tensor wide = at::full({m, n + 5}, 7.F);
  gemm(m, n, k, matrix(a), matrix(b), /*add=*/true, wide.mutable_data_ptr<float>(), wide.stride(0));
  EXPECT_TRUE(wide.slice(1, n).eq(7).all().item<bool>());
  const Tensor exact = at::mm(a.to(at::kDouble), b.to(at::kDouble)) + 7;
  EXPECT_LE((wide.slice(1, 0, n).to(at::kDouble) - exact).abs().max().item<double>(), 1e-6 * std::sqrt(k) * 10);
}

TEST_P(GemmTest, AddsProductsOfBfloat16AsExactly) {
  const auto [m, k, n] = std::get<Size>(GetParam());
  const Tensor a = normal(11, {m, k}).to(at::kBFloat16), b = normal(12, {k, n}).to(at::kBFloat16);
  const double of_fp32 = error(at::mm(a.to(at::kFloat), b.to(at::kFloat)), a, b);
  for (const Tensor& left : {a, turned(a)}) {
    for (const Tensor& right : {b, turned(b)}) {
      EXPECT_LE(error(product<kernels::Bf16>(left, right), a, b), std::max(1.0, 2 * of_fp32));
    }
  }
}

TEST_P(GemmTest, GivesARowTheSameBitsWhereverItLies) {
  if (std::get<Isa>(GetParam()) == Isa::plain) GTEST_SKIP() << "LibTorch's products do not promise it";
  const auto [m, k, n] = std::get<Size>(GetParam());
  const Tensor a = normal(9, {m, k}).to(at::kFloat), b = normal(10, {k, n}).to(at::kFloat);
  EXPECT_TRUE(product(a, b).slice(0, m / 2).equal(product(a.slice(0, m / 2), b)));
}

/// Of a and the first rows and columns of b, in floats and rounded.
template <class T>
void expect_products(const RightOperand<T>& right, const Tensor& a, const Tensor& b) {
  const int64_t m = a.size(0), n = b.size(1);
  const double of_fp32 = error(at::mm(a.to(at::kFloat), b.to(at::kFloat)), a, b);
  for (const Tensor& left : {a, turned(a)}) {
    const Tensor c = at::full({m, n}, NAN), rounded = at::full({m, n}, NAN, a.options());
    right.multiply(matrix<T>(left), m, /*add=*/false, c.mutable_data_ptr<float>(), n);
    EXPECT_LE(error(c, a, b), std::max(1.0, 2 * of_fp32));
    right.multiply(matrix<T>(left), m, static_cast<T*>(rounded.mutable_data_ptr()), n);
    EXPECT_TRUE(rounded.equal(c.to(a.scalar_type())));
    right.multiply(matrix<T>(left), m, /*add=*/true, c.mutable_data_ptr<float>(), n);
    EXPECT_LE(error(c / 2, a, b), std::max(1.0, 2 * of_fp32));
  }
}

TEST_P(GemmTest, ARightOperandAndItsLeadingPartGiveProducts) {
  const auto [m, k, n] = std::get<Size>(GetParam());
  const auto of = [&]<class T>(at::ScalarType type, T) {
    const Tensor a = normal(13, {m, k}).to(type), b = normal(14, {k, n}).to(type);
    const int64_t rows = (k + 1) / 2, columns = (n + 1) / 2;
    for (const Tensor& laid_out : {b, turned(b)}) {
      const RightOperand<T> right(matrix<T>(laid_out), k, n);
      expect_products(right, a, b);
      expect_products(right.leading(rows, columns), a.slice(1, 0, rows), b.slice(0, 0, rows).slice(1, 0, columns));
    }
  };
  of(at::kFloat, float());
  of(at::kBFloat16, kernels::Bf16());
}

constexpr Isa kIsas[] = {Isa::plain, Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx};

INSTANTIATE_TEST_SUITE_P(Sizes, GemmTest,
                         testing::Combine(testing::ValuesIn(kIsas),
                                          testing::Values(Size{1, 1, 1}, Size{16, 32, 16}, Size{17, 33, 15},
                                                          Size{64, 256, 96}, Size{130, 77, 200}, Size{33, 1100, 49},
                                                          Size{31, 520, 1}, Size{19, 3, 130}, Size{70, 520, 130})),
                         [](const auto& test) {
                           const Size size = std::get<Size>(test.param);
                           return std::string(name(std::get<Isa>(test.param))) + "_" + std::to_string(size.m) + "_" +
                                  std::to_string(size.k) + "_" + std::to_string(size.n);
                         });

class GemmOfAll : public testing::TestWithParam<Isa>, protected WithIsa {
 protected:
  void SetUp() override {
    if (!use(GetParam())) GTEST_SKIP() << "not of this processor";
  }
};

TEST_P(GemmOfAll, SizesOfNumbersKeepsDigits) {
  // each row and column with another power of two, from 2^-90 to 2^90
  const Tensor powers = at::arange(-90., 91., 4.).exp2().to(at::kFloat);
  const Tensor a = normal(5, {powers.size(0), 64}).to(at::kFloat) * powers.unsqueeze(1);
  const Tensor b = normal(6, {64, 40}).to(at::kFloat);
  EXPECT_LE(error(product(a, b), a, b), 2);
}

TEST_P(GemmOfAll, WhatIsNotFiniteStaysSo) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {NAN, -NAN, infinity, -infinity, std::bit_cast<float>(0x7fffffffU)}) {
    const Tensor a = normal(7, {20, 40}).to(at::kFloat), b = normal(8, {40, 20}).to(at::kFloat);
    a[3][5] = bad;
    const Tensor c = product(a, b);
    EXPECT_FALSE(c[3].isfinite().any().item<bool>());
    EXPECT_EQ(c.isfinite().sum().item<int64_t>(), 19 * 20);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, GemmOfAll, testing::ValuesIn(kIsas),
                         [](const auto& test) { return std::string(name(test.param)); });

}  // namespace
}  // namespace ttfm::nn
