// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <functional>
#include <string>
#include <vector>

#include <ttfm/nn/pending.h>

#include "base/activation_policy.h"
#include "framework/nn/samples.h"
#include "kernels/isa.h"

/// Layers by the loops of framework/kernels, of every instruction set and in both types, beside LibTorch's operations in
/// double.
namespace ttfm::test {

using Duals = std::vector<Dual>;
using Layer = std::function<Dual(const Duals&)>;

/// The results of a layer, then the gradients of <g, primal> + <h, tangent> in all that is defined of its arguments.
inline std::vector<Tensor> outcome(const Layer& layer, const Duals& arguments, at::ScalarType type) {
  std::vector<Tensor> inputs;
  Duals own;
  for (const Dual& each : arguments) {
    own.push_back(nn::linear_map(each, [&](const Tensor& x) {
      if (!x.defined()) return x;
      // weights stay in float, as the loops take them: they are what has one dimension, or [B, C]
      const auto wanted = type == at::kBFloat16 && x.dim() < 3 ? at::kFloat : type;
      inputs.push_back(x.to(wanted).detach().requires_grad_());
      return inputs.back();
    }));
  }
  const Dual y = layer(own);
  std::vector<Tensor> out{y.primal};
  Tensor sum = (y.primal.to(at::kDouble) * normal(90, y.primal.sizes())).sum();
  if (y.tangent.defined()) {
    out.push_back(y.tangent);
    sum = sum + (y.tangent.to(at::kDouble) * normal(91, y.tangent.sizes())).sum();
  }
  const auto gradients = torch::autograd::grad({sum}, inputs, {}, /*retain_graph=*/false, /*create_graph=*/false,
                                               /*allow_unused=*/true);
  out.insert(out.end(), gradients.begin(), gradients.end());
  return out;
}

class LoopsTest : public testing::TestWithParam<kernels::Isa> {
 protected:
  void SetUp() override {
    if (!kernels::supported(GetParam())) GTEST_SKIP() << "this processor has no " << kernels::name(GetParam());
    kernels::use(GetParam());
  }
  void TearDown() override { kernels::use(std::nullopt); }

  void expect_equal(const Layer& layer, const Duals& arguments) const {
    const std::vector<Tensor> exact = outcome(layer, arguments, at::kDouble);
    compare(outcome(layer, arguments, at::kFloat), exact, 2e-5, "float");
    recompute_activations(true);
    compare(outcome(layer, arguments, at::kFloat), exact, 2e-5, "float, recomputed");
    recompute_activations(false);
    const bool rows = arguments[0].primal.dim() > 2;
    if (rows) compare(outcome(layer, arguments, at::kBFloat16), exact, 4e-2, "bfloat16");
  }

 private:
  static void compare(const std::vector<Tensor>& found, const std::vector<Tensor>& exact, double tolerance,
                      const std::string& type) {
    ASSERT_EQ(found.size(), exact.size());
    for (size_t i = 0; i < exact.size(); ++i) {
      ASSERT_EQ(found[i].defined(), exact[i].defined()) << type << ", result " << i;
      if (!exact[i].defined()) continue;
      EXPECT_LT((found[i].to(at::kDouble) - exact[i]).norm().item<double>(),
                tolerance * exact[i].norm().item<double>() + tolerance)
          << type << ", result " << i << " of shape " << exact[i].sizes();
    }
  }
};

inline std::vector<Dual> forms(at::IntArrayRef shape) {
  return {normal_dual(1, shape), halves_dual(2, shape), constant_dual(4, shape)};
}

inline nn::Biased<Dual> biased(const Dual& y, const Dual& bias) { return {y, bias.primal}; }

inline const auto kIsas = testing::Values(kernels::Isa::plain, kernels::Isa::avx2, kernels::Isa::avx512,
                                          kernels::Isa::avx512_bf16, kernels::Isa::amx);
inline std::string name_of_isa(const testing::TestParamInfo<kernels::Isa>& tested) {
  return kernels::name(tested.param);
}

}  // namespace ttfm::test
