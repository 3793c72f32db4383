// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Sums of g y^T whose rows come block by block, of every instruction set, beside those in double.
#include "nn/weight_gradient.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "framework/nn/samples.h"
#include "framework/nn/with_threads.h"
#include "kernels/bf16.h"
#include "kernels/isa.h"

namespace ttfm::nn {
namespace {

using kernels::Isa;
using test::normal;
using test::WithThreads;

class WeightGradientTest : public testing::TestWithParam<Isa> {
 protected:
  void SetUp() override {
    if (!kernels::supported(GetParam())) GTEST_SKIP() << "not of this processor";
    kernels::use(GetParam());
    if (!PackedMatrix::has_panels(at::kFloat)) GTEST_SKIP() << "has no panels";
  }
  void TearDown() override { kernels::use(std::nullopt); }
};

/// g and y of the primal or the tangent, [rows, out] and [rows, in].
struct Operands {
  Tensor g, y;

  template <class T>
  WeightGradient::Rows<T> from(int64_t row) const {
    const auto at = [row](const Tensor& x) { return static_cast<const T*>(x.const_data_ptr()) + row * x.size(1); };
    return {at(g), at(y)};
  }
  Tensor sum() const { return at::mm(g.to(at::kDouble).t(), y.to(at::kDouble)); }
  Tensor size() const { return at::mm(g.to(at::kDouble).abs().t(), y.to(at::kDouble).abs()); }
};

template <class T>
Tensor sum_of(const Operands& p, const Operands* t, int64_t parts, int64_t block) {
  const int64_t rows = p.g.size(0);
  WeightGradient gradient(p.g.scalar_type(), rows, parts, p.g.size(1), p.y.size(1), t != nullptr);
  const int64_t steps = (rows + gradient.step(1) - 1) / gradient.step(1);
  // the last part first: no order of parts is promised
  for (int64_t part = parts - 1; part >= 0; --part) {
    const auto end_of = [&](int64_t i) { return std::min(rows, steps * i / parts * gradient.step(1)); };
    for (int64_t row = end_of(part), last = end_of(part + 1); row < last; row += block) {
      gradient.take<T>(part, row, std::min(block, last - row), p.from<T>(row),
                       t ? t->from<T>(row) : WeightGradient::Rows<T>{});
    }
  }
  return gradient.sum();
}

TEST_P(WeightGradientTest, IsTheSumOverAllRows) {
  // fewer rows than are added up at once and more, parts that have a sum of their own and parts that have not
  const WithThreads threads(3);
  for (const int64_t rows : {1, 37, 256, 515, 1535, 1801}) {
    for (const auto& [out, in] : {std::pair<int64_t, int64_t>{1, 1}, {6, 64}, {70, 131}, {200, 9}}) {
      for (const auto type : {at::kFloat, at::kBFloat16}) {
        const Operands p{normal(1, {rows, out}).to(type), normal(2, {rows, in}).to(type)};
        const Operands t{normal(3, {rows, out}).to(type), normal(4, {rows, in}).to(type)};
        for (const bool dual : {false, true}) {
          const Tensor exact = dual ? p.sum() + t.sum() : p.sum(), size = dual ? p.size() + t.size() : p.size();
          for (const int64_t parts : {1, 3}) {
            for (const int64_t block : {36, 64}) {
              const Tensor found = type == at::kFloat ? sum_of<float>(p, dual ? &t : nullptr, parts, block)
                                                      : sum_of<kernels::Bf16>(p, dual ? &t : nullptr, parts, block);
              EXPECT_EQ(found.scalar_type(), at::kFloat);
              const double error = ((found.to(at::kDouble) - exact).abs() / size).max().item<double>();
              EXPECT_LE(error, 4 * std::numeric_limits<float>::epsilon())
                  << rows << " rows, " << out << " x " << in << ", " << parts << " parts, blocks of " << block;
            }
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, WeightGradientTest,
                         testing::Values(Isa::plain, Isa::avx2, Isa::avx512, Isa::avx512_bf16, Isa::amx),
                         [](const auto& tested) { return kernels::name(tested.param); });

}  // namespace
}  // namespace ttfm::nn
