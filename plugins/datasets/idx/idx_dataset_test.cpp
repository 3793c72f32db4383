// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "idx_dataset.h"

#include <ATen/ops/bincount.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <string>

#include <ttfm/conformance/dataset_checks.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

namespace ttfm {
namespace {

using Options = IdxDataset::Options;

std::string idx_bytes(uint32_t magic, const std::vector<uint32_t>& sizes, const std::string& values) {
  std::string bytes;
  const auto add = [&bytes](uint32_t word) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(word >> shift & 0xff);
  };
  add(magic);
  for (const uint32_t size : sizes) add(size);
  return bytes + values;
}

std::string ramp(int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(i % 256);
  return bytes;
}

std::string zipped(const std::string& bytes) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16 /* gzip */, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// A folder with 5 training and 2 test images of 2 x 4 pixels whose values count up.
class IdxDatasetTest : public testing::Test {
 protected:
  IdxDatasetTest() {
    write(kTrainImages, idx_bytes(0x803, {5, 2, 4}, ramp(40)));
    write(kTrainLabels, idx_bytes(0x801, {5}, std::string("\0\1\2\3\4", 5)));
    write(kTestImages, idx_bytes(0x803, {2, 2, 4}, ramp(16)));
    write(kTestLabels, idx_bytes(0x801, {2}, "\7\10"));
    options_.folder.value = folder_.path();
    options_.validation = 2;
  }

  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
  }

  /// What the data set says, without the folder's name.
  std::string refusal() const {
    std::string text = conformance::error_text([this] { IdxDataset data(options_); });
    const std::string folder = folder_.path().string() + "/";
    for (size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) text.erase(at, folder.size());
    return text;
  }

  static constexpr const char* kTrainImages = "train-images-idx3-ubyte";
  static constexpr const char* kTrainLabels = "train-labels-idx1-ubyte";
  static constexpr const char* kTestImages = "t10k-images-idx3-ubyte";
  static constexpr const char* kTestLabels = "t10k-labels-idx1-ubyte";
  conformance::TemporaryFolder folder_;
  Options options_;
};

TEST_F(IdxDatasetTest, SplitsAreTheTrainingFilesInTwoPartsAndTheTestFiles) {
  const IdxDataset data(options_);
  const DatasetTraits traits = conformance::traits_of(data);
  const conformance::Samples train = conformance::read_first(data, Split::train, 3);
  const conformance::Samples held_out = conformance::read_first(data, Split::validation, 2);
  const conformance::Samples tested = conformance::read_first(data, Split::test, 2);

  EXPECT_EQ(std::vector<int64_t>(traits.size, traits.size + 3), (std::vector<int64_t>{3, 2, 2}));
  EXPECT_EQ(traits.classes, 10);
  EXPECT_EQ(traits.type, DatasetTraits::kUint8);
  EXPECT_EQ(train.x.sizes(), (std::vector<int64_t>{3, 1, 2, 4}));
  EXPECT_TRUE(at::equal(train.label, at::tensor({0, 1, 2}, at::kLong)));
  EXPECT_TRUE(at::equal(held_out.label, at::tensor({3, 4}, at::kLong)));
  EXPECT_TRUE(at::equal(tested.label, at::tensor({7, 8}, at::kLong)));
  EXPECT_TRUE(at::equal(held_out.x.flatten().to(at::kLong), at::linspace(24, 39, 16, at::kLong)));
}

TEST_F(IdxDatasetTest, SamplesDoNotDependOnBatching) {
  conformance::expect_samples_do_not_depend_on_batching(IdxDataset(options_), Split::train, 3);
}

TEST_F(IdxDatasetTest, ReadsCompressedFilesAsPlainOnes) {
  const conformance::Samples plain = conformance::read_first(IdxDataset(options_), Split::train, 3);
  std::filesystem::remove(folder_.path() / kTrainImages);
  write(std::string(kTrainImages) + ".gz", zipped(idx_bytes(0x803, {5, 2, 4}, ramp(40))));

  EXPECT_TRUE(conformance::same(conformance::read_first(IdxDataset(options_), Split::train, 3), plain));
}

TEST_F(IdxDatasetTest, PadsWithZerosAroundTheMiddle) {
  options_.pad = 6;
  const conformance::Samples samples = conformance::read_first(IdxDataset(options_), Split::train, 1);

  ASSERT_EQ(samples.x.sizes(), (std::vector<int64_t>{1, 1, 6, 6}));
  const at::Tensor inside = samples.x[0][0].narrow(0, 2, 2).narrow(1, 1, 4);
  EXPECT_TRUE(at::equal(inside.flatten().to(at::kLong), at::linspace(0, 7, 8, at::kLong)));
  EXPECT_EQ(samples.x.sum().item<int64_t>(), 28);
}

TEST_F(IdxDatasetTest, ResizesByAveraging) {
  options_.size = 1;
  const conformance::Samples samples = conformance::read_first(IdxDataset(options_), Split::validation, 2);

  EXPECT_TRUE(at::equal(samples.x.flatten().to(at::kLong), at::tensor({28, 36}, at::kLong)));  // of 24..31 and 32..39
}

TEST_F(IdxDatasetTest, WithoutClassesNoLabelFileIsNeeded) {
  options_.classes = 0;
  std::filesystem::remove(folder_.path() / kTrainLabels);
  std::filesystem::remove(folder_.path() / kTestLabels);

  EXPECT_EQ(conformance::traits_of(IdxDataset(options_)).classes, 0);
  EXPECT_FALSE(conformance::read_first(IdxDataset(options_), Split::train, 1).label.defined());
}

TEST_F(IdxDatasetTest, ATestSplitCanBeAbsent) {
  options_.test = "";
  EXPECT_EQ(conformance::traits_of(IdxDataset(options_)).size[2], 0);
}

TEST_F(IdxDatasetTest, TruncatedFilesAreRefused) {
  write(kTrainImages, idx_bytes(0x803, {5, 2, 4}, ramp(39)));
  EXPECT_EQ(refusal(),
            "train-images-idx3-ubyte: is truncated: its header says 5 x 2 x 4 = 40 bytes of values, which is more than "
            "the 39 bytes that follow");
  write(kTrainImages, idx_bytes(0x803, {5, 2, 4}, "").substr(0, 9));
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte: is truncated: it has 9 bytes, the header alone 16");
  write(kTrainImages, "");
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte: is truncated: it has 0 bytes, the header alone 16");
}

TEST_F(IdxDatasetTest, TruncatedAndBrokenCompressionIsRefused) {
  std::filesystem::remove(folder_.path() / kTrainImages);
  const std::string name = std::string(kTrainImages) + ".gz", good = zipped(idx_bytes(0x803, {5, 2, 4}, ramp(40)));

  write(name, zipped(idx_bytes(0x803, {5, 2, 4}, ramp(30))));
  EXPECT_EQ(refusal(),
            "train-images-idx3-ubyte.gz: is truncated: its header says 5 x 2 x 4 = 40 bytes of values, it has 30");
  write(name, good.substr(0, good.size() - 20));
  EXPECT_NE(refusal().find("is truncated: its header says 5 x 2 x 4 = 40 bytes of values"), std::string::npos);
  write(name, good.substr(0, good.size() - 4));
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte.gz: is truncated: its compressed stream ends before its checksum");
  std::string broken = good;
  broken[broken.size() - 6] = static_cast<char>(broken[broken.size() - 6] ^ 0x55);  // in the checksum
  write(name, broken);
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte.gz: cannot be decompressed: incorrect data check");
}

TEST_F(IdxDatasetTest, OversizedFilesAreRefused) {
  write(kTrainImages, idx_bytes(0x803, {5, 2, 4}, ramp(41)));
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte: has bytes after the 40 values that its header says (5 x 2 x 4)");

  std::filesystem::remove(folder_.path() / kTrainImages);
  write(std::string(kTrainImages) + ".gz", zipped(idx_bytes(0x803, {5, 2, 4}, ramp(4000))));
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte.gz: has bytes after the 40 values that its header says (5 x 2 x 4)");
}

TEST_F(IdxDatasetTest, SizesThatTheFileCannotHoldAreRefusedBeforeMemoryIsTaken) {
  write(kTrainImages, idx_bytes(0x803, {0xffffffff, 0xffffffff, 1}, ramp(40)));
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte: has impossible sizes in its header: 4294967295 x 4294967295");

  std::filesystem::remove(folder_.path() / kTrainImages);
  const std::string bomb = zipped(idx_bytes(0x803, {0x7fffffff, 1000, 1000}, ramp(40)));
  write(std::string(kTrainImages) + ".gz", bomb);
  EXPECT_EQ(refusal(),
            "train-images-idx3-ubyte.gz: is truncated: its header says 2147483647 x 1000 x 1000 = 2147483647000000 "
            "bytes of values, which a compressed file of " +
                std::to_string(bomb.size()) + " bytes cannot hold");
}

TEST_F(IdxDatasetTest, AWrongMagicIsRefused) {
  write(kTrainImages, idx_bytes(0xd03, {5, 2, 4}, ramp(160)));  // floats
  EXPECT_EQ(refusal(),
            "train-images-idx3-ubyte: starts with 0x00000d03, expected 0x00000803: an IDX file of bytes with 3 "
            "dimensions");
  write(kTrainImages, idx_bytes(0x803, {0, 2, 4}, ""));
  EXPECT_EQ(refusal(), "train-images-idx3-ubyte: has no values: its header says 0");
}

TEST_F(IdxDatasetTest, LabelsFitTheImagesAndTheClasses) {
  write(kTrainLabels, idx_bytes(0x801, {5}, "\1\1\1\12\1"));
  EXPECT_EQ(refusal(), "train-labels-idx1-ubyte: label 3 is 10, expected less than classes = 10");
  write(kTrainLabels, idx_bytes(0x801, {4}, "\1\1\1\1"));
  EXPECT_EQ(refusal(), "train-labels-idx1-ubyte: has 4 labels for the 5 images of train-images-idx3-ubyte");
}

TEST_F(IdxDatasetTest, ImagesThatWouldFillTheMemoryWhenResizedAreRefused) {
  write(kTrainImages, idx_bytes(0x803, {8193, 1, 1}, ramp(8193)));
  options_.size = 1024;
  EXPECT_EQ(refusal(), "train-labels-idx1-ubyte: has 5 labels for the 8193 images of train-images-idx3-ubyte");
  write(kTrainLabels, idx_bytes(0x801, {8193}, std::string(8193, '\1')));
  EXPECT_EQ(
      refusal(),
      "train-images-idx3-ubyte: its 8193 images would have 8590983168 bytes at size = 1024, more than max_bytes = "
      "8589934592");
}

TEST_F(IdxDatasetTest, MoreThanMaxBytesIsRefusedBeforeMemoryIsTaken) {
  std::filesystem::remove(folder_.path() / kTrainImages);
  write(std::string(kTrainImages) + ".gz", zipped(idx_bytes(0x803, {5000, 2, 100}, std::string(1'000'000, '\0'))));
  options_.max_bytes = 999'999;
  EXPECT_EQ(refusal(),
            "train-images-idx3-ubyte.gz: has 5000 x 2 x 100 = 1000000 bytes of values, more than max_bytes = 999999");
  options_.max_bytes = 1'000'000;
  EXPECT_EQ(refusal(), "train-labels-idx1-ubyte: has 5 labels for the 5000 images of train-images-idx3-ubyte.gz");
}

TEST_F(IdxDatasetTest, TestImagesHaveTheTrainingImagesSize) {
  write(kTestImages, idx_bytes(0x803, {2, 4, 2}, ramp(16)));
  EXPECT_EQ(refusal(), "t10k-images-idx3-ubyte: its images have 4 x 2 pixels, those of the training file 2 x 4");
}

TEST_F(IdxDatasetTest, OptionsThatTheFilesContradictAreRefused) {
  options_.validation = 5;
  EXPECT_EQ(refusal(), "validation = 5 holds out all of the 5 training images; give less");
  options_.validation = 2;
  options_.pad = 3;
  EXPECT_EQ(refusal(), "pad = 3 is less than the images' 2 x 4 pixels");
}

TEST_F(IdxDatasetTest, AMissingFolderOrFileSaysWhatToDo) {
  std::filesystem::remove(folder_.path() / kTestLabels);
  EXPECT_EQ(refusal(),
            "neither 't10k-labels-idx1-ubyte' nor that name with .gz exists; see the keys `train` and `test` of the "
            "data set `idx` for the files' names");
  options_.folder.value = "/nonexistent";
  EXPECT_EQ(refusal(),
            "the folder '/nonexistent' of the data set `idx` does not exist.\n"
            "Fashion-MNIST is a Debian package: sudo apt-get install dataset-fashion-mnist\n"
            "Other sets: give the folder with their IDX files as `folder`.");
  write("file", "");
  options_.folder.value = (folder_.path() / "file").string();
  EXPECT_TRUE(refusal().starts_with("the folder 'file' of the data set `idx` is not a folder.\nFashion-MNIST "));
}

TEST_F(IdxDatasetTest, WhatTheFileSystemCannotExamineIsAnErrorOfTheData) {
  const std::filesystem::path loop = folder_.path() / "loop";
  std::filesystem::create_symlink(loop, loop);
  options_.train = std::string(300, 'x');
  EXPECT_EQ(refusal(), options_.train + "-images-idx3-ubyte: cannot be examined: File name too long");
  options_.folder.value = loop.string();
  EXPECT_TRUE(refusal().starts_with(
      "the folder 'loop' of the data set `idx` cannot be examined: Too many levels of symbolic links.\nFashion-"));
}

TEST_F(IdxDatasetTest, AnIndexBeyondTheSplitIsABug) {
  const IdxDataset data(options_);
  EXPECT_EQ(conformance::error_text([&] { conformance::read_samples(data, Split::train, {3}); }),
            "sample 3 of split `train` was asked for, which has 3");
}

TEST(FashionMnist, IsWhatItsAuthorsPublished) {
  const Options options;
  if (!std::filesystem::is_directory(options.folder.value)) {
    GTEST_SKIP() << options.folder.value << " is absent (Debian package dataset-fashion-mnist)";
  }
  const IdxDataset data(options);
  const DatasetTraits traits = conformance::traits_of(data);
  const conformance::Samples tested = conformance::read_first(data, Split::test, 10000);
  const conformance::Samples train = conformance::read_first(data, Split::train, 55000);
  const conformance::Samples held_out = conformance::read_first(data, Split::validation, 5000);

  EXPECT_EQ(std::vector<int64_t>(traits.size, traits.size + 3), (std::vector<int64_t>{55000, 5000, 10000}));
  const at::Tensor counts = at::bincount(train.label) + at::bincount(held_out.label);
  EXPECT_TRUE(at::equal(counts, at::full_like(counts, 6000)));
  EXPECT_TRUE(at::equal(at::bincount(tested.label), at::full_like(counts, 1000)));
  EXPECT_EQ(train.label[0].item<int64_t>(), 9);
  // the often quoted mean of the training pixels, 0.2860 of 255
  const double sum = train.x.sum().item<double>() + held_out.x.sum().item<double>();
  EXPECT_NEAR(sum / (60000. * 28 * 28 * 255), 0.2860, 5e-5);
}

}  // namespace
}  // namespace ttfm
