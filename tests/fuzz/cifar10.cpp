// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <array>
#include <optional>

#include "datasets/cifar10/cifar10_dataset.h"
#include "fuzz/fuzz.h"

namespace {

constexpr size_t kRecord = 1 + 3 * 32 * 32;

/// The six files, each with one image.
void make_folder() {
  const std::string record(kRecord, '\1');
  for (int i = 1; i <= 5; ++i) ttfm::fuzz::write("data_batch_" + std::to_string(i) + ".bin", record);
}

}  // namespace

/// The input is the file of the test images. If it is taken, it gives its bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm;
  static const bool made = (make_folder(), true);
  (void)made;
  fuzz::write("test_batch.bin", fuzz::text_of(data, size));
  Cifar10Dataset::Options options;
  options.folder.value = fuzz::folder();
  options.validation = 0;
  std::optional<Cifar10Dataset> set;
  if (!fuzz::accepted([&] { set.emplace(options); })) return 0;

  DatasetTraits traits;
  set->traits(traits);
  fuzz::require(traits.size[2] * static_cast<int64_t>(kRecord) == static_cast<int64_t>(size),
                "a file has as many images as records");
  for (int64_t i = 0; i < traits.size[2]; ++i) {
    std::array<char, kRecord - 1> x;
    int64_t label = -1;
    ReadRequest request;
    request.split = Split::test;
    request.indices = &i;
    request.count = 1;
    request.x = x.data();
    request.label = &label;
    set->read(request);
    const std::string_view record = fuzz::text_of(data, size).substr(static_cast<size_t>(i) * kRecord, kRecord);
    fuzz::require(label == record[0] && label < traits.classes, "a label is a record's first byte");
    fuzz::require(record.substr(1) == std::string_view(x.data(), x.size()), "an image is the rest of its record");
  }
  return 0;
}
