// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <ttfm/dataset.h>
#include <ttfm/options.h>

namespace ttfm {

/// CIFAR-10, binary version (https://www.cs.toronto.edu/~kriz/cifar.html): records of one byte of label and 3072 bytes of
/// image [3, 32, 32]. Kept in memory as bytes; 0 and 255 stand for -1 and 1.
///
/// train is data_batch_1.bin to data_batch_5.bin, validation their last `validation` images, test test_batch.bin.
class Cifar10Dataset final : public Dataset {
 public:
  struct Options {
    Path folder;
    int64_t validation = 5000;
    bool flip = true;
    int64_t max_bytes = int64_t{1} << 33;

    template <class Visitor>
    void describe(Visitor& v) {
      v("folder", folder, "cifar-10-batches-bin, which holds data_batch_1.bin to data_batch_5.bin and test_batch.bin")
          .required();
      v("validation", validation, "how many images at the end of the training files are held out").min(0);
      v("flip", flip, "mirror half of the training images from left to right, others in each epoch");
      v("max_bytes", max_bytes, "files that have more together are refused before they are read")
          .min(1)
          .unit("bytes")
          .advanced();
    }
  };

  explicit Cifar10Dataset(const Options& options);

  void traits(DatasetTraits& out) const override;
  void read(const ReadRequest& request) const override;

 private:
  void load(const std::filesystem::path& path, std::vector<uint8_t>& records) const;

  Options options_;
  std::vector<uint8_t> train_, test_;  ///< records
};

}  // namespace ttfm
