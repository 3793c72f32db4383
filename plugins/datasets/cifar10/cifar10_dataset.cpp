// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "cifar10_dataset.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include <ttfm/error.h>
#include <ttfm/io/samples.h>

namespace ttfm {
namespace {

constexpr int64_t kSide = 32, kChannels = 3, kClasses = 10;
constexpr int64_t kPixels = kChannels * kSide * kSide;
constexpr int64_t kRecord = 1 + kPixels;

int64_t count_of(const std::vector<uint8_t>& records) { return static_cast<int64_t>(records.size()) / kRecord; }

}  // namespace

Cifar10Dataset::Cifar10Dataset(const Options& options) : options_(options) {
  const std::filesystem::path folder = options.folder.value;
  io::check_folder(folder, "the folder '" + folder.string() + "' of the data set `cifar10`",
                   ".\nUnpack cifar-10-binary.tar.gz of https://www.cs.toronto.edu/~kriz/cifar.html and give its "
                   "cifar-10-batches-bin as `folder`.");
  for (int i = 1; i <= 5; ++i) load(folder / ("data_batch_" + std::to_string(i) + ".bin"), train_);
  load(folder / "test_batch.bin", test_);
  if (options.validation >= count_of(train_)) {
    throw Error(ErrorKind::config, "validation = " + std::to_string(options.validation) + " holds out all of the " +
                                       std::to_string(count_of(train_)) + " training images; give less");
  }
}

void Cifar10Dataset::load(const std::filesystem::path& path, std::vector<uint8_t>& records) const {
  const auto fail = [&path](const std::string& what) { throw Error(ErrorKind::data, path.string() + ": " + what); };
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) fail("cannot be opened: " + error.message());
  if (size == 0 || size % kRecord != 0) {
    fail("has " + std::to_string(size) + " bytes, expected a multiple of " + std::to_string(kRecord) +
         " (a label and 3 x 32 x 32 values); it is truncated, or not of CIFAR-10's binary version");
  }
  const size_t before = records.size();
  if (train_.size() + test_.size() + size > static_cast<uintmax_t>(options_.max_bytes)) {
    fail("with its " + std::to_string(size) + " bytes the data set would have " +
         std::to_string(train_.size() + test_.size() + size) +
         ", more than max_bytes = " + std::to_string(options_.max_bytes));
  }
  records.resize(before + size);
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(records.data() + before), static_cast<std::streamsize>(size));
  if (!file) fail(std::string("cannot be read: ") + std::strerror(errno));
  for (size_t at = before; at < records.size(); at += kRecord) {
    if (records[at] < kClasses) continue;
    fail("record " + std::to_string((at - before) / kRecord) + " has the label " + std::to_string(records[at]) +
         ", expected 0 to 9");
  }
}

void Cifar10Dataset::traits(DatasetTraits& out) const {
  out.rank = 3;
  out.shape[0] = kChannels;
  out.shape[1] = out.shape[2] = kSide;
  out.classes = kClasses;
  out.size[0] = count_of(train_) - options_.validation;
  out.size[1] = options_.validation;
  out.size[2] = count_of(test_);
  out.type = DatasetTraits::kUint8;
  out.low = -1;
  out.high = 1;
}

void Cifar10Dataset::read(const ReadRequest& request) const {
  DatasetTraits sizes;
  traits(sizes);
  io::check_indices(request, sizes.size[static_cast<size_t>(request.split)]);
  const std::vector<uint8_t>& records = request.split == Split::test ? test_ : train_;
  const int64_t start = request.split == Split::validation ? sizes.size[0] : 0;
  const bool augment = options_.flip && request.split == Split::train;

  io::for_each_run(request, [&](int64_t position, int64_t count, const Stream& stream) {
    const Tensor coin = augment ? stream.child("flip").uniform({count}) : Tensor();
    for (int64_t i = 0; i < count; ++i) {
      const uint8_t* record = records.data() + (start + request.indices[position + i]) * kRecord;
      auto* x = static_cast<uint8_t*>(request.x) + (position + i) * kPixels;
      std::copy_n(record + 1, kPixels, x);
      if (augment && coin.const_data_ptr<float>()[i] < 0.5f) {
        for (uint8_t* row = x; row != x + kPixels; row += kSide) std::reverse(row, row + kSide);
      }
      if (request.label) request.label[position + i] = record[0];
    }
  });
}

}  // namespace ttfm
