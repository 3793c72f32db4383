// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <ttfm/dataset.h>
#include <ttfm/loss.h>
#include <ttfm/student.h>

namespace ttfm::test {

/// u_{s,t}(x) = W x + b, with W decaying and b not.
class TinyStudent final : public Student {
 public:
  Tensor weight = at::zeros({2, 2}), bias = at::zeros({2});

  void parameters(ParameterSet& out) override {
    out.parameter("weight", weight);
    out.parameter("bias", bias, parameter_flag::kNoDecay);
  }
  void initialise(const Stream& stream) override {
    weight.copy_(stream.child("weight").normal({2, 2}));
    bias.zero_();
  }
  Tensor velocity(const Tensor& x, const Tensor&, const Tensor&, const Call&) const override {
    return at::linear(x, weight, bias);
  }
};

/// |u(x_0) - x_1|^2, and optionally a NaN in one step, or an attraction to copy 0.
class TinyLoss final : public Loss {
 public:
  int64_t nan_at = -1;
  LossNeeds wants;

  void needs(LossNeeds& out) const override { out = wants; }
  void compute(const LossInputs& in, const LossResult& out) const override {
    const Tensor t = at::zeros({in.x_0().size(0)});
    const Tensor u = in.student().velocity(in.x_0(), t, t, in.call());
    out.add("square", (u - in.x_1()).pow(2).sum(-1));
    if (wants.copies) out.add("copy", (u - in.copy(0).velocity(in.x_0(), t, t, in.call())).pow(2).sum(-1), 0.5);
    if (in.step() == nan_at) out.add("nan", (u * std::numeric_limits<double>::quiet_NaN()).sum(-1));
  }
};

/// Ten labelled points; sample i is (i, -i), its label i % 3.
class TinyDataset final : public Dataset {
 public:
  void traits(DatasetTraits& out) const override {
    out.rank = 1;
    out.shape[0] = 2;
    out.classes = 3;
    out.size[0] = 10;
    out.type = DatasetTraits::kFloat;
  }
  void read(const ReadRequest& request) const override {
    for (int64_t i = 0; i < request.count; ++i) {
      const auto value = static_cast<float>(request.indices[i]);
      static_cast<float*>(request.x)[2 * i] = value;
      static_cast<float*>(request.x)[2 * i + 1] = -value;
      request.label[i] = request.indices[i] % 3;
    }
  }
};

}  // namespace ttfm::test
