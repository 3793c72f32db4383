// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <cstring>

#include <ttfm/io/safetensors.h>

#include "fuzz/fuzz.h"

/// The input is a safetensors file. If it is taken, its tensors can be written again, to a file with the same.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm;
  const auto path = fuzz::write("input.safetensors", fuzz::text_of(data, size));
  std::vector<io::NamedTensor> tensors;
  io::Metadata metadata;
  const bool taken = fuzz::accepted([&] {
    const io::SafetensorsFile file(path);
    metadata = file.metadata();
    for (const io::TensorEntry& entry : file.tensors()) {
      tensors.push_back({entry.name, file.read(entry)});
      if (!entry.shape.empty() && entry.shape[0] > 0) file.read_rows(entry, entry.shape[0] - 1, 1);
    }
  });
  if (!taken) return 0;

  const auto again = fuzz::folder() / "again.safetensors";
  io::write_safetensors(again, tensors, metadata);
  const io::SafetensorsFile file(again);
  fuzz::require(file.metadata() == metadata, "metadata read back as they were");
  fuzz::require(file.tensors().size() == tensors.size(), "every tensor reads back");
  for (const io::NamedTensor& tensor : tensors) {
    const at::Tensor read = file.read(tensor.name);
    fuzz::require(read.scalar_type() == tensor.value.scalar_type() && read.sizes() == tensor.value.sizes(),
                  "a tensor reads back with its type and shape");
    fuzz::require(read.nbytes() == 0 || std::memcmp(read.data_ptr(), tensor.value.data_ptr(), read.nbytes()) == 0,
                  "a tensor reads back with its values");
  }
  return 0;
}
