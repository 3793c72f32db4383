// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ttfm/dataset.h>
#include <ttfm/options.h>

namespace ttfm {

/// Gray images with labels in the four IDX files of MNIST and its family. Kept in memory as bytes.
///
/// train is the first part of the training files, validation their last `validation` images, test the test files. The
/// values 0 and 255 stand for -1 and 1.
class IdxDataset final : public Dataset {
 public:
  struct Options {
    Path folder{"/usr/share/datasets/fashion-mnist"};
    std::string train = "train";
    std::string test = "t10k";
    int64_t validation = 5000;
    int64_t classes = 10;
    std::optional<int64_t> size;
    std::optional<int64_t> pad;
    int64_t max_bytes = int64_t{1} << 33;  // a few kilobytes of gzip hold millions of images

    template <class Visitor>
    void describe(Visitor& v) {
      v("folder", folder,
        "holds TRAIN-images-idx3-ubyte, TRAIN-labels-idx1-ubyte and the same of TEST, each plain or .gz");
      v("train", train, "what the training files' names begin with");
      v("test", test, "what the test files' names begin with; empty: no test split");
      v("validation", validation, "how many images at the end of the training files are held out").min(0);
      v("classes", classes, "labels are below this; 0: read no labels").min(0);
      v("size", size, "resize to this height and width by averaging over areas").min(1).max(1024).unit("pixels");
      v("pad", pad, "then pad with zeros to this height and width").min(1).max(1024).unit("pixels");
      v("max_bytes", max_bytes, "a file whose images would take more memory is refused before they do")
          .min(1)
          .unit("bytes")
          .advanced();
    }
  };

  explicit IdxDataset(const Options& options);

  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;

 private:
  struct Files {
    std::vector<uint8_t> images;  ///< [count, height, width], resized
    std::vector<uint8_t> labels;
    int64_t count = 0;
  };

  Files load(const std::string& prefix);
  /// One label for each of the `count` images of the file `images`.
  std::vector<uint8_t> load_labels(const std::string& prefix, int64_t count, const std::filesystem::path& images) const;

  Options options_;
  int64_t height_ = 0, width_ = 0;          ///< of the images in memory
  int64_t out_height_ = 0, out_width_ = 0;  ///< after padding
  Files train_, test_;
};

}  // namespace ttfm
