// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "tensor_dataset.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>

#include <ttfm/conformance/dataset_checks.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

namespace ttfm {
namespace {

using Options = TensorDataset::Options;

class TensorDatasetTest : public testing::Test {
 protected:
  TensorDatasetTest() { options_.file.value = (folder_.path() / "x.safetensors").string(); }

  void write(const std::vector<io::NamedTensor>& tensors) const { io::write_safetensors(options_.file.value, tensors); }

  /// What the data set says, without the file's name.
  std::string refusal() const {
    const std::string text = conformance::error_text([this] { TensorDataset data(options_); });
    return text.rfind(options_.file.value, 0) == 0 ? text.substr(options_.file.value.size() + 2) : text;
  }

  conformance::TemporaryFolder folder_;
  Options options_;
};

TEST_F(TensorDatasetTest, ReadsFloatsOfEveryWidth) {
  const at::Tensor x = at::arange(20 * 6).to(at::kFloat).div(8).view({20, 2, 3});
  for (const auto type : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    write({{"x", x.to(type)}});
    const TensorDataset data(options_);
    const DatasetTraits traits = conformance::traits_of(data);

    EXPECT_EQ(traits.rank, 2u);
    EXPECT_EQ(traits.type, DatasetTraits::kFloat);
    EXPECT_EQ(std::vector<int64_t>(traits.size, traits.size + 3), (std::vector<int64_t>{18, 2, 0}));
    EXPECT_TRUE(
        at::equal(conformance::read_first(data, Split::train, 18).x, x.to(type).to(at::kFloat).narrow(0, 0, 18)));
    EXPECT_TRUE(
        at::equal(conformance::read_first(data, Split::validation, 2).x, x.to(type).to(at::kFloat).narrow(0, 18, 2)));
  }
}

TEST_F(TensorDatasetTest, ReadsBytesLabelsAndATestFile) {
  const at::Tensor x = at::arange(10 * 4).to(at::kByte).view({10, 1, 2, 2});
  write({{"x", x}, {"label", at::arange(10, at::kInt).remainder(3)}});
  options_.test_file = Path{(folder_.path() / "test.safetensors").string()};
  io::write_safetensors(options_.test_file->value, {{"x", x.narrow(0, 4, 3)}, {"label", at::full({3}, 4, at::kByte)}});
  const TensorDataset data(options_);
  const DatasetTraits traits = conformance::traits_of(data);

  EXPECT_EQ(traits.type, DatasetTraits::kUint8);
  EXPECT_EQ(traits.classes, 5);
  EXPECT_EQ(traits.size[2], 3);
  EXPECT_TRUE(at::equal(conformance::read_first(data, Split::train, 3).label, at::tensor({0, 1, 2}, at::kLong)));
  EXPECT_TRUE(at::equal(conformance::read_first(data, Split::test, 3).x, x.narrow(0, 4, 3)));
  EXPECT_TRUE(at::equal(conformance::read_first(data, Split::test, 3).label, at::full({3}, 4, at::kLong)));
  conformance::expect_samples_do_not_depend_on_batching(data, Split::train, 9);
}

TEST_F(TensorDatasetTest, NamesOfTheTensorsAreParameters) {
  write({{"images", at::zeros({4, 2})}, {"classes", at::arange(4)}});
  options_.x = "images";
  options_.label = "classes";

  EXPECT_EQ(conformance::traits_of(TensorDataset(options_)).classes, 4);
  options_.x = "x";
  EXPECT_EQ(refusal(), "has no tensor `x`; it has `images`, `classes`");
}

TEST_F(TensorDatasetTest, TensorsThatAreNoSamplesAreRefused) {
  const std::string expected =
      "; samples are F32, F64, F16, BF16 or U8 [N, ...] with 1 to 8 dimensions each, and not empty";
  write({{"x", at::zeros({4, 2}, at::kLong)}});
  EXPECT_EQ(refusal(), "tensor `x` is I64 [4, 2]" + expected);
  write({{"x", at::zeros({4})}});
  EXPECT_EQ(refusal(), "tensor `x` is F32 [4]" + expected);
  write({{"x", at::zeros({0, 2})}});
  EXPECT_EQ(refusal(), "tensor `x` is F32 [0, 2]" + expected);
  write({{"x", at::zeros({1, 1, 1, 1, 1, 1, 1, 1, 1, 1})}});
  EXPECT_EQ(refusal(), "tensor `x` is F32 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]" + expected);
}

TEST_F(TensorDatasetTest, LabelsThatDoNotFitAreRefused) {
  write({{"x", at::zeros({4, 2})}, {"label", at::zeros({3}, at::kLong)}});
  EXPECT_EQ(refusal(), "tensor `label` is I64 [3]; labels are whole numbers [4], one for each row of `x`");
  write({{"x", at::zeros({4, 2})}, {"label", at::zeros({4})}});
  EXPECT_EQ(refusal(), "tensor `label` is F32 [4]; labels are whole numbers [4], one for each row of `x`");
  write({{"x", at::zeros({4, 2})}, {"label", at::arange(4).sub(2)}});
  EXPECT_EQ(refusal(), "tensor `label`: label 0 is -2, expected 0 to 1048575 (max_classes = 1048576)");
  write({{"x", at::zeros({4, 2})}, {"label", at::full({4}, int64_t{1} << 40, at::kLong)}});
  EXPECT_EQ(refusal(), "tensor `label`: label 0 is 1099511627776, expected 0 to 1048575 (max_classes = 1048576)");
}

TEST_F(TensorDatasetTest, ATestFileOfAnotherShapeIsRefused) {
  write({{"x", at::zeros({4, 2})}});
  options_.test_file = Path{(folder_.path() / "test.safetensors").string()};
  io::write_safetensors(options_.test_file->value, {{"x", at::zeros({4, 3})}});

  EXPECT_EQ(refusal(), options_.test_file->value +
                           ": its samples differ in type, shape or having labels from those of " + options_.file.value +
                           " (F32 [4, 2], no labels)");
}

TEST_F(TensorDatasetTest, AValueThatIsNotFiniteIsAnErrorOfItsRow) {
  at::Tensor x = at::zeros({10, 2}, at::kDouble);
  x[3][1] = 1e300;  // finite in double, not in float
  write({{"x", x}});
  const TensorDataset data(options_);

  conformance::read_samples(data, Split::train, {2, 4});
  EXPECT_EQ(conformance::error_text([&] {
              conformance::read_samples(data, Split::train, {2, 3});
            }),
            options_.file.value + ": row 3 of tensor `x` holds a value that is not a finite number in float");
}

TEST_F(TensorDatasetTest, ABrokenFileIsAnErrorOfTheData) {
  write({{"x", at::zeros({4, 2})}});
  std::filesystem::resize_file(options_.file.value, std::filesystem::file_size(options_.file.value) - 1);

  EXPECT_EQ(refusal(), "its tensors have 32 bytes, the file has 31: it is truncated");
  try {
    TensorDataset data(options_);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::data);
  }
}

TEST_F(TensorDatasetTest, OptionsThatTheFileContradictsAreRefused) {
  write({{"x", at::zeros({1, 2})}});
  options_.validation = 0.6;
  EXPECT_EQ(refusal(),
            "validation = 0.600000 leaves none of the 1 samples of " + options_.file.value + " to train on; give less");
  options_.low = 1;
  EXPECT_EQ(refusal(), "the data set `tensor` needs low < high");
}

}  // namespace
}  // namespace ttfm
