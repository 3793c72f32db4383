// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "image_folder_dataset.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/dataset_checks.h>
#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

#include "test_images.h"

namespace ttfm {
namespace {

using Options = ImageFolderDataset::Options;
namespace images = image_folder::test_images;

class ImageFolderDatasetTest : public testing::Test {
 protected:
  ImageFolderDatasetTest() {
    options_.folder.value = folder_.path();
    options_.size = 8;
    options_.validation = 0;
  }

  void write(const std::string& name, const images::Bytes& bytes) const { images::write(folder_.path() / name, bytes); }

  std::string in_folder(const std::string& name) const { return (folder_.path() / name).string(); }

  std::string refusal() const {
    return conformance::error_text([this] { ImageFolderDataset data(options_); });
  }

  conformance::TemporaryFolder folder_;
  Options options_;
};

TEST_F(ImageFolderDatasetTest, SubFoldersAreClassesInSortedOrder) {
  write("cats/b.png", images::png_of(8, 8, 1, 2, 3));
  write("cats/a.PNG", images::png_of(8, 8, 4, 5, 6));
  write("birds/deep/c.jpg", images::jpeg(8, 8, 3, images::Bytes(8 * 8 * 3, 77)));
  write("birds/notes.txt", {'x'});
  write("birds/.hidden.png", {'x'});
  write(".cache/z.png", {'x'});
  const ImageFolderDataset data(options_);
  const DatasetTraits traits = conformance::traits_of(data);
  const conformance::Samples samples = conformance::read_first(data, Split::train, 3);

  EXPECT_EQ(traits.classes, 2);
  EXPECT_EQ(traits.type, DatasetTraits::kUint8);
  EXPECT_EQ(std::vector<int64_t>(traits.size, traits.size + 3), (std::vector<int64_t>{3, 0, 0}));
  EXPECT_EQ(samples.x.sizes(), (std::vector<int64_t>{3, 3, 8, 8}));
  EXPECT_TRUE(at::equal(samples.label, at::tensor({0, 1, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(samples.x.select(3, 0).select(2, 0).to(at::kLong),
                        at::tensor({77, 77, 77, 4, 5, 6, 1, 2, 3}, at::kLong).view({3, 3})));
}

TEST_F(ImageFolderDatasetTest, WithoutSubFoldersThereAreNoLabels) {
  write("a.png", images::png_of(8, 8, 1, 2, 3));
  const ImageFolderDataset data(options_);

  EXPECT_EQ(conformance::traits_of(data).classes, 0);
  EXPECT_FALSE(conformance::read_first(data, Split::train, 1).label.defined());
}

TEST_F(ImageFolderDatasetTest, ResizesByAreaAndCutsTheMiddle) {
  // 16 x 32 with columns of one value each: halved to 8 x 16, of which the middle is columns 4 to 11
  images::Bytes rows;
  for (int y = 0; y < 16; ++y) {
    for (uint8_t x = 0; x < 32; ++x) rows.insert(rows.end(), {x, static_cast<uint8_t>(100 + x), 7});
  }
  write("a.png", images::png({.width = 32, .height = 16, .rows = rows}));
  const conformance::Samples samples = conformance::read_first(ImageFolderDataset(options_), Split::train, 1);

  const at::Tensor expected = at::tensor({9, 11, 13, 15, 17, 19, 21, 23}, at::kLong);  // 8.5 is rounded up
  EXPECT_TRUE(at::equal(samples.x[0][0].to(at::kLong), expected.expand({8, 8})));
  EXPECT_TRUE(at::equal(samples.x[0][1].to(at::kLong), (expected + 100).expand({8, 8})));
  EXPECT_TRUE(at::equal(samples.x[0][2].to(at::kLong), at::full({8, 8}, 7, at::kLong)));
}

TEST_F(ImageFolderDatasetTest, GrayIsLuminance) {
  write("a.png", images::png_of(8, 8, 255, 0, 0));
  write("b.png", images::png_of(8, 8, 10, 200, 30));
  options_.gray = true;
  const conformance::Samples samples = conformance::read_first(ImageFolderDataset(options_), Split::train, 2);

  EXPECT_EQ(samples.x.sizes(), (std::vector<int64_t>{2, 1, 8, 8}));
  EXPECT_TRUE(at::equal(samples.x[0][0], at::full({8, 8}, 76, at::kByte)));
  EXPECT_TRUE(at::equal(samples.x[1][0], at::full({8, 8}, 124, at::kByte)));  // 123.81
}

TEST_F(ImageFolderDatasetTest, AugmentationIsAFunctionOfKeyAndIndex) {
  for (int i = 0; i < 6; ++i) {
    write("train/" + std::to_string(i) + ".png",
          images::png({.width = 13, .height = 11, .rows = images::pattern(13, 11, 3)}));
  }
  options_.resize = 11;
  options_.crop = Options::Crop::random;
  options_.flip = true;
  const ImageFolderDataset data(options_);

  conformance::expect_samples_do_not_depend_on_batching(data, Split::train, 6);
  std::set<std::vector<int64_t>> corners;  // values at the corners tell place and mirroring
  for (uint64_t key = 0; key < 100; ++key) {
    const at::Tensor x = conformance::read_first(data, Split::train, 6, key).x.to(at::kLong);
    for (int64_t i = 0; i < 6; ++i) {
      corners.insert({x[i][0][0][0].item<int64_t>(), x[i][0][0][7].item<int64_t>()});
    }
  }
  // value 40 + 2 x + 3 y at the left corner: x in 0..5, y in 0..3, some sums coincide; twice for the mirrored ones
  std::set<int64_t> sums;
  for (int x = 0; x <= 5; ++x) {
    for (int y = 0; y <= 3; ++y) sums.insert(2 * x + 3 * y);
  }
  EXPECT_EQ(corners.size(), 2 * sums.size());
}

TEST_F(ImageFolderDatasetTest, HeldOutFilesAreChosenByNameAlone) {
  for (int i = 0; i < 40; ++i) write(std::to_string(i) + ".png", images::png_of(8, 8, static_cast<uint8_t>(i), 0, 0));
  options_.validation = 0.3;
  const auto held_out = [this] {
    const ImageFolderDataset data(options_);
    std::set<int64_t> values;
    const int64_t count = conformance::traits_of(data).size[1];
    const at::Tensor x = conformance::read_first(data, Split::validation, count).x;
    for (int64_t i = 0; i < count; ++i) values.insert(x[i][0][0][0].item<uint8_t>());
    EXPECT_EQ(conformance::traits_of(data).size[0] + count,
              40 - (std::filesystem::exists(folder_.path() / "0.png") ? 0 : 1));
    return values;
  };

  std::set<int64_t> before = held_out();
  std::filesystem::remove(folder_.path() / "0.png");
  std::set<int64_t> after = held_out();

  EXPECT_NEAR(static_cast<double>(before.size()), 12, 4 * std::sqrt(40 * 0.3 * 0.7));
  before.erase(0);
  EXPECT_EQ(before, after);
}

TEST_F(ImageFolderDatasetTest, ABrokenFileIsAnErrorThatNamesIt) {
  write("a.png", images::png_of(8, 8, 1, 1, 1));
  write("b.png", {'n', 'o'});
  const ImageFolderDataset data(options_);

  conformance::read_samples(data, Split::train, {0});
  EXPECT_EQ(conformance::error_text([&] { conformance::read_first(data, Split::train, 2); }),
            in_folder("b.png") +
                ": is neither PNG nor JPEG\nRepair or remove it, or allow some broken files by max_bad_files.");
}

TEST_F(ImageFolderDatasetTest, ATruncatedJpegIsAnErrorThatNamesIt) {
  const images::Bytes whole = images::jpeg(32, 32, 3, images::pattern(32, 32, 3));
  write("a.jpg", images::Bytes(whole.begin(), whole.end() - 40));

  EXPECT_EQ(conformance::error_text([this] { conformance::read_first(ImageFolderDataset(options_), Split::train, 1); }),
            in_folder("a.jpg") +
                ": is a broken JPEG: Premature end of JPEG file\nRepair or remove it, or allow some broken files by "
                "max_bad_files.");
}

TEST_F(ImageFolderDatasetTest, AllowedBrokenFilesAreReplacedByTheirSuccessors) {
  write("x/a.png", {'n', 'o'});
  write("x/b.png", {});
  write("y/c.png", images::png_of(8, 8, 9, 9, 9));
  write("y/d.png", {'n', 'o'});
  options_.max_bad_files = 2;
  const ImageFolderDataset data(options_);
  const conformance::Samples samples = conformance::read_samples(data, Split::train, {0, 1, 2, 0});

  EXPECT_TRUE(at::equal(samples.x, at::full({4, 3, 8, 8}, 9, at::kByte)));
  EXPECT_TRUE(at::equal(samples.label, at::tensor({1, 1, 1, 1}, at::kLong)));
  EXPECT_EQ(conformance::error_text([&] { conformance::read_samples(data, Split::train, {3}); }),
            in_folder("y/d.png") + ": is neither PNG nor JPEG\nThat is broken file number 3, and max_bad_files = 2");
}

TEST_F(ImageFolderDatasetTest, AnImageTooLongToBeResizedIsABrokenFile) {
  write("a.png", images::png_of(1000, 1, 1, 2, 3));
  write("b.png", images::png_of(8, 8, 9, 9, 9));
  options_.max_pixels = 1000;

  EXPECT_EQ(conformance::error_text([this] { conformance::read_first(ImageFolderDataset(options_), Split::train, 1); }),
            in_folder("a.png") +
                ": has 1000 x 1 pixels, which a shorter side of 8 makes 8000 x 8, more than the limit of 1024 pixels\n"
                "Repair or remove it, or allow some broken files by max_bad_files.");
  options_.max_bad_files = 1;
  const conformance::Samples samples = conformance::read_first(ImageFolderDataset(options_), Split::train, 1);
  EXPECT_TRUE(at::equal(samples.x, at::full({1, 3, 8, 8}, 9, at::kByte)));
}

TEST_F(ImageFolderDatasetTest, AFileOfMoreThanMaxBytesIsABrokenFile) {
  const images::Bytes image = images::png_of(8, 8, 1, 2, 3);
  write("a.png", image);
  options_.max_bytes = static_cast<int64_t>(image.size()) - 1;

  EXPECT_EQ(conformance::error_text([this] { conformance::read_first(ImageFolderDataset(options_), Split::train, 1); }),
            in_folder("a.png") + ": has " + std::to_string(image.size()) +
                " bytes, more than max_bytes = " + std::to_string(options_.max_bytes) +
                "\nRepair or remove it, or allow some broken files by max_bad_files.");
}

TEST_F(ImageFolderDatasetTest, AllFilesBrokenIsAnError) {
  write("a.png", {'n', 'o'});
  options_.max_bad_files = 5;

  EXPECT_EQ(conformance::error_text([this] { conformance::read_first(ImageFolderDataset(options_), Split::train, 1); }),
            "every image of a split in '" + folder_.path().string() + "' is broken");
}

TEST_F(ImageFolderDatasetTest, FoldersThatAreNoDataSetAreRefused) {
  const std::string folder = "the image folder '" + folder_.path().string() + "' ";
  EXPECT_EQ(refusal(), folder + "has no .png, .jpg or .jpeg file");
  write("b/a.png", images::png_of(8, 8, 1, 1, 1));
  write("loose.png", images::png_of(8, 8, 1, 1, 1));
  EXPECT_EQ(refusal(), folder +
                           "has both sub-folders, which are classes, and images beside them ('loose.png'): which "
                           "class has those?");
  std::filesystem::remove(folder_.path() / "loose.png");
  std::filesystem::create_directory(folder_.path() / "c");
  EXPECT_EQ(refusal(), folder + "has the sub-folder 'c' without a .png, .jpg or .jpeg file: a class needs one");
  options_.folder.value = "/nonexistent";
  EXPECT_EQ(refusal(), "the image folder '/nonexistent' does not exist");
  options_.folder.value = in_folder("b/a.png");
  EXPECT_EQ(refusal(), "the image folder '" + in_folder("b/a.png") + "' is not a folder");
  std::filesystem::create_symlink(in_folder("loop"), in_folder("loop"));
  options_.folder.value = in_folder("loop");
  EXPECT_EQ(refusal(),
            "the image folder '" + in_folder("loop") + "' cannot be examined: Too many levels of symbolic links");
}

TEST_F(ImageFolderDatasetTest, OptionsThatContradictEachOtherAreRefused) {
  write("a.png", images::png_of(8, 8, 1, 1, 1));
  options_.resize = 7;
  EXPECT_EQ(refusal(), "resize = 7 is less than size = 8: a crop of that size does not fit");
  options_.resize.reset();
  options_.validation = 1 - 1e-12;
  EXPECT_EQ(refusal(), "validation = 1.000000 holds out all 1 images; give less");
}

}  // namespace
}  // namespace ttfm
