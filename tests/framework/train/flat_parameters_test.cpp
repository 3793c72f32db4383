// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/flat_parameters.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>

namespace ttfm::train {
namespace {

using conformance::error_text;

TEST(FlatParameters, KeepsTheValuesAndPutsDecayingWeightsFirst) {
  Tensor bias = at::randn({3}), weight = at::randn({5, 7}), scale = at::randn({17});
  const Tensor old_bias = bias, old_weight = weight, old_scale = scale;
  ParameterCollector collector("student 'tiny'");
  collector.parameter("bias", bias, parameter_flag::kNoDecay);
  collector.parameter("weight", weight, 0);
  collector.parameter("scale", scale, parameter_flag::kNoDecay);

  const FlatParameters flat(collector, c10::kCPU, true);

  EXPECT_TRUE(at::equal(weight, old_weight) && at::equal(bias, old_bias) && at::equal(scale, old_scale));
  EXPECT_EQ(flat.count(), 35 + 3 + 17);
  EXPECT_EQ(flat.with_decay(), 48);
  EXPECT_EQ(weight.data_ptr(), flat.values().data_ptr());
  EXPECT_EQ(flat.named()[1].name, "bias");
  for (const Tensor* each : {&bias, &weight, &scale}) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(each->data_ptr()) % 64, 0u);
    EXPECT_TRUE(each->is_leaf() && each->requires_grad());
  }
}

TEST(FlatParameters, GradientsAccumulateInOneBuffer) {
  Tensor a = at::ones({2}), b = at::ones({3});
  ParameterCollector collector("student 'tiny'");
  collector.parameter("a", a, 0);
  collector.parameter("b", b, 0);
  const FlatParameters flat(collector, c10::kCPU, true);

  (3 * a.sum() + (b * b).sum()).backward();
  a.sum().backward();

  EXPECT_TRUE(at::equal(flat.gradient().narrow(0, 0, 2), at::ones({2}) * 4));
  EXPECT_TRUE(at::equal(flat.gradient().narrow(0, 16, 3), at::ones({3}) * 2));
  EXPECT_EQ(flat.gradient().sum().item<double>(), 14);
}

// layouts are this machine's: checkpoints have every weight row by row
TEST(FlatParameters, KeepsChannelsLastInMemoryAndRowsInWhatIsSaved) {
  Tensor image = at::randn({4, 3, 2, 5}).contiguous(at::MemoryFormat::ChannelsLast), rows = at::randn({2, 3});
  const Tensor old_image = image.clone(), old_rows = rows;
  ParameterCollector collector("student 'tiny'");
  collector.parameter("image", image, 0);
  collector.parameter("rows", rows, 0);
  const FlatParameters flat(collector, c10::kCPU, true);

  EXPECT_TRUE(at::equal(image, old_image));
  EXPECT_TRUE(image.is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(image.grad().strides(), image.strides());
  EXPECT_TRUE(at::equal(flat.named_in(flat.values())[0].value, old_image));

  const Tensor saved = flat.row_by_row(flat.values());
  EXPECT_TRUE(at::equal(saved.narrow(0, 0, 120).view({4, 3, 2, 5}), old_image));
  EXPECT_TRUE(at::equal(saved.narrow(0, 128, 6).view({2, 3}), old_rows));
  EXPECT_EQ(saved.narrow(0, 120, 8).abs().sum().item<double>(), 0) << "padding";
  const Tensor back = at::zeros_like(flat.values());
  flat.from_row_by_row(saved, back);
  EXPECT_TRUE(at::equal(back, flat.values()));
}

TEST(FlatParameters, NamesWhatIsWrongWithARegistration) {
  Tensor defined = at::ones({2}), undefined, whole = at::ones({2}, at::kLong);
  ParameterCollector collector("student 'tiny'");
  collector.parameter("a", defined, 0);

  EXPECT_EQ(error_text([&] { collector.parameter("a", defined, 0); }), "student 'tiny': parameter 'a' is named twice");
  EXPECT_EQ(error_text([&] { collector.buffer("b", undefined); }),
            "student 'tiny': parameter 'b' is undefined: give it its shape before it is named");
  EXPECT_EQ(error_text([&] { collector.parameter("c", whole, 0); }),
            "student 'tiny': parameter 'c' is not of a floating type");
}

}  // namespace
}  // namespace ttfm::train
