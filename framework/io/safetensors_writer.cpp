// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include <ttfm/io/safetensors.h>

#include "base/atomic_file.h"
#include "base/limits.h"
#include "io/safetensors_encoder.h"
#include "io/safetensors_types.h"

namespace ttfm::io {
namespace {

/// The header, padded with spaces so that the data start at a multiple of 8.
std::string header_of(const std::vector<NamedTensor>& tensors, const Metadata& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto& [name, value] : tensors) {
    const uint64_t end = offset + value.nbytes();
    header[name] = {{"dtype", find_type(value.scalar_type())->name},
                    {"shape", value.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::internal, path.string() + ": " + what);
}

void check(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors) {
  std::set<std::string_view> names;
  for (const auto& [name, value] : tensors) {
    const std::string tensor = "tensor `" + name + "`";
    if (name == "__metadata__") refuse(path, "a tensor cannot be named `__metadata__` in a safetensors file");
    if (!names.insert(name).second) refuse(path, tensor + " is to be written twice");
    if (!value.defined()) refuse(path, tensor + " is undefined");
    if (!value.is_cpu()) refuse(path, tensor + " is on " + value.device().str() + "; only CPU tensors are written");
    if (!find_type(value.scalar_type())) {
      refuse(path, tensor + " has the type " + toString(value.scalar_type()) + "; known are " + known_types());
    }
  }
}

}  // namespace

void encode_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                        const Metadata& metadata, const std::function<void(const void*, size_t)>& write) {
  check(path, tensors);
  std::string header;
  try {
    header = header_of(tensors, metadata);
  } catch (const nlohmann::json::exception& error) {
    refuse(path, std::string("a name or a metadata text is not UTF-8: ") + error.what());
  }
  if (header.size() > limits::kSafetensorsHeaderBytes.value()) {
    refuse(path, "the header would have " + std::to_string(header.size()) + " bytes, " +
                     limits::kSafetensorsHeaderBytes.text(header.size()));
  }
  const uint64_t length = header.size();
  write((std::string(reinterpret_cast<const char*>(&length), sizeof length) + header).data(), sizeof length + length);
  for (const auto& named : tensors) {
    const at::Tensor value = named.value.contiguous();
    write(value.const_data_ptr(), value.nbytes());
  }
}

void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const Metadata& metadata) {
  AtomicFile file(path);
  encode_safetensors(path, tensors, metadata, [&](const void* data, size_t size) { file.write(data, size); });
  file.commit();
}

}  // namespace ttfm::io
