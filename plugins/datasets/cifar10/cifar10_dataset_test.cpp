// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "cifar10_dataset.h"

#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include <ttfm/conformance/dataset_checks.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

namespace ttfm {
namespace {

using Options = Cifar10Dataset::Options;

/// A record whose red, green and blue planes start at 10, 20 and 30 and count up along each row.
std::string record(uint8_t label) {
  std::string bytes(1, static_cast<char>(label));
  for (const int plane : {10, 20, 30}) {
    for (int pixel = 0; pixel < 1024; ++pixel) bytes += static_cast<char>(plane + pixel % 32);
  }
  return bytes;
}

/// A folder with 4 images in each of the five training files, labelled with the file's number, and 3 in the test file.
class Cifar10DatasetTest : public testing::Test {
 protected:
  Cifar10DatasetTest() {
    for (uint8_t i = 1; i <= 5; ++i) {
      write("data_batch_" + std::to_string(i) + ".bin", record(i) + record(i) + record(i) + record(i));
    }
    write("test_batch.bin", record(7) + record(8) + record(9));
    options_.folder.value = folder_.path();
    options_.validation = 2;
    options_.flip = false;
  }

  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
  }

  /// What the data set says, without the folder's name.
  std::string refusal() const {
    const std::string text = conformance::error_text([this] { Cifar10Dataset data(options_); });
    const std::string folder = folder_.path().string() + "/";
    return text.rfind(folder, 0) == 0 ? text.substr(folder.size()) : text;
  }

  conformance::TemporaryFolder folder_;
  Options options_;
};

TEST_F(Cifar10DatasetTest, SplitsFollowTheFiles) {
  const Cifar10Dataset data(options_);
  const DatasetTraits traits = conformance::traits_of(data);
  const conformance::Samples train = conformance::read_first(data, Split::train, 18);

  EXPECT_EQ(std::vector<int64_t>(traits.size, traits.size + 3), (std::vector<int64_t>{18, 2, 3}));
  EXPECT_EQ(traits.classes, 10);
  EXPECT_EQ(train.x.sizes(), (std::vector<int64_t>{18, 3, 32, 32}));
  EXPECT_EQ(train.label[3].item<int64_t>(), 1);
  EXPECT_EQ(train.label[4].item<int64_t>(), 2);
  EXPECT_TRUE(at::equal(conformance::read_first(data, Split::validation, 2).label, at::tensor({5, 5}, at::kLong)));
  EXPECT_TRUE(at::equal(conformance::read_first(data, Split::test, 3).label, at::tensor({7, 8, 9}, at::kLong)));
}

TEST_F(Cifar10DatasetTest, PlanesAreRedGreenBlueRowByRow) {
  const conformance::Samples samples = conformance::read_first(Cifar10Dataset(options_), Split::train, 1);

  for (int64_t channel = 0; channel < 3; ++channel) {
    const at::Tensor row = at::linspace(10 * (channel + 1), 10 * (channel + 1) + 31, 32, at::kLong);
    EXPECT_TRUE(at::equal(samples.x[0][channel].to(at::kLong), row.expand({32, 32})));
  }
}

TEST_F(Cifar10DatasetTest, FlipsAreAFunctionOfKeyAndIndexInTrainOnly) {
  const conformance::Samples plain = conformance::read_first(Cifar10Dataset(options_), Split::train, 18);
  options_.flip = true;
  const Cifar10Dataset data(options_);
  int flipped = 0, differs = 0;
  for (uint64_t key = 0; key < 10; ++key) {
    const at::Tensor x = conformance::read_first(data, Split::train, 18, key).x;
    const at::Tensor next = conformance::read_first(data, Split::train, 18, key + 1).x;
    for (int64_t i = 0; i < 18; ++i) {
      const bool mirrored = at::equal(x[i], plain.x[i].flip(2));
      EXPECT_TRUE(mirrored || at::equal(x[i], plain.x[i]));
      flipped += mirrored;
      differs += !at::equal(x[i], next[i]);
    }
  }

  conformance::expect_samples_do_not_depend_on_batching(data, Split::train, 18);
  EXPECT_NEAR(flipped, 90, 4 * std::sqrt(180 * 0.25));
  EXPECT_NEAR(differs, 90, 4 * std::sqrt(180 * 0.25));
  EXPECT_TRUE(at::equal(conformance::read_first(data, Split::validation, 2).x[0], plain.x[0]));
}

TEST_F(Cifar10DatasetTest, AWrongRecordSizeIsRefused) {
  const std::string expected =
      " bytes, expected a multiple of 3073 (a label and 3 x 32 x 32 values); it is truncated, or not of CIFAR-10's "
      "binary version";
  write("data_batch_3.bin", record(1).substr(1));
  EXPECT_EQ(refusal(), "data_batch_3.bin: has 3072" + expected);
  write("data_batch_3.bin", record(1) + record(1).substr(0, 100));
  EXPECT_EQ(refusal(), "data_batch_3.bin: has 3173" + expected);
  write("data_batch_3.bin", "");
  EXPECT_EQ(refusal(), "data_batch_3.bin: has 0" + expected);
}

TEST_F(Cifar10DatasetTest, MoreThanMaxBytesIsRefusedBeforeItIsRead) {
  options_.max_bytes = 23 * 3073 - 1;
  EXPECT_EQ(refusal(),
            "test_batch.bin: with its 9219 bytes the data set would have 70679, more than max_bytes = 70678");
  std::filesystem::resize_file(folder_.path() / "data_batch_1.bin", uintmax_t{3073} << 22);  // sparse
  options_.max_bytes = Options().max_bytes;
  EXPECT_EQ(refusal(),
            "data_batch_1.bin: with its 12889096192 bytes the data set would have 12889096192, more than "
            "max_bytes = 8589934592");
}

TEST_F(Cifar10DatasetTest, WhatIsNoFileIsNotWaitedFor) {
  std::filesystem::remove(folder_.path() / "data_batch_1.bin");
  ASSERT_EQ(mkfifo((folder_.path() / "data_batch_1.bin").c_str(), 0600), 0);
  EXPECT_EQ(refusal(), "data_batch_1.bin: cannot be opened: Operation not supported");
}

TEST_F(Cifar10DatasetTest, ALabelOutOfRangeIsRefused) {
  write("test_batch.bin", record(1) + record(10));
  EXPECT_EQ(refusal(), "test_batch.bin: record 1 has the label 10, expected 0 to 9");
}

TEST_F(Cifar10DatasetTest, WhatIsMissingIsNamed) {
  std::filesystem::remove(folder_.path() / "data_batch_2.bin");
  EXPECT_EQ(refusal(), "data_batch_2.bin: cannot be opened: No such file or directory");
  options_.folder.value = "/nonexistent";
  EXPECT_EQ(refusal(),
            "the folder '/nonexistent' of the data set `cifar10` does not exist.\n"
            "Unpack cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html and give its "
            "cifar-10-batches-bin as `folder`.");
  options_.folder.value = "/" + std::string(300, 'x');
  EXPECT_TRUE(refusal().starts_with("the folder '" + options_.folder.value +
                                    "' of the data set `cifar10` cannot be examined: File name too long.\nUnpack "));
}

TEST_F(Cifar10DatasetTest, HoldingOutEverythingIsRefused) {
  options_.validation = 20;
  EXPECT_EQ(refusal(), "validation = 20 holds out all of the 20 training images; give less");
}

}  // namespace
}  // namespace ttfm
