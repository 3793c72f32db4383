// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <ttfm/error.h>

/// Files of the toolkit `ttfm::io`, a static archive: part of the source promise, not of the binary one.
///
/// The safetensors format, version 0.x (https://huggingface.co/docs/safetensors): the length of a JSON header as a
/// little-endian uint64, the header, and the tensors' bytes one after the other, row-major and little-endian.
/// Known types: F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL.
namespace ttfm::io {

using Metadata = std::map<std::string, std::string>;  ///< the header's `__metadata__`

/// What the header says of one tensor.
struct TensorEntry {
  std::string name;                                ///< unique in the file
  c10::ScalarType dtype = c10::ScalarType::Float;  ///< one of the known types
  std::vector<int64_t> shape;                      ///< empty: a scalar
  uint64_t begin = 0;                              ///< first byte, counted from the start of the data
  uint64_t end = 0;                                ///< one past the last byte

  uint64_t bytes() const { return end - begin; }  ///< of the values
  std::string describe() const;                   ///< for messages: "F32 [3, 4]"
};

/// A safetensors file, open for reading. The constructor reads and checks the header only; a file that is not exactly
/// what its header says is refused before any tensor is allocated:
///
/// - the header has at most 16 MiB and lies inside the file, it is a JSON object, its keys are unique;
/// - each tensor has a known type and a shape of at most 16 dimensions whose size in bytes, computed without overflow,
///   is that of its range;
/// - the ranges cover the rest of the file without holes and without overlap; metadata are strings.
///
/// Every function is safe to call from several threads. Errors are ttfm::Error of the given kind that name the file,
/// the tensor, what it has and what was expected.
class SafetensorsFile {
 public:
  /// Of a header, unless the environment variable TTFM_MAX_SAFETENSORS_HEADER_BYTES says another number.
  static constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;
  /// Dimensions of a tensor, unless TTFM_MAX_SAFETENSORS_DIMENSIONS says another number.
  static constexpr size_t kMaxRank = 16;

  /// Opens and checks the file; `kind` is that of every error of this object.
  explicit SafetensorsFile(const std::filesystem::path& path, ErrorKind kind = ErrorKind::checkpoint);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::filesystem::path& path() const { return path_; }  ///< as given
  const Metadata& metadata() const { return metadata_; }       ///< empty if the file has none

  /// In the order of their bytes in the file.
  const std::vector<TensorEntry>& tensors() const { return tensors_; }

  /// Null if the file has no tensor of that name.
  const TensorEntry* find(std::string_view name) const;
  /// Throws if the file has no tensor of that name, and lists some that it has.
  const TensorEntry& at(std::string_view name) const;

  /// A new CPU tensor with the values.
  at::Tensor read(const TensorEntry& entry) const;
  at::Tensor read(std::string_view name) const { return read(at(name)); }  ///< the same, by name

  /// A new CPU tensor with rows [first, first + count) along the first dimension; throws if there are none of those.
  at::Tensor read_rows(const TensorEntry& entry, int64_t first, int64_t count) const;

  /// Fills `out`: contiguous, on the CPU, of the entry's shape and type; for example a view of a flat buffer.
  void read_into(const TensorEntry& entry, const at::Tensor& out) const;

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void read_header();
  void check_ranges(uint64_t data_bytes);
  void read_bytes(uint64_t offset, void* out, uint64_t size) const;
  void read_values(const TensorEntry& entry, uint64_t offset, void* out, uint64_t size) const;

  std::filesystem::path path_;
  ErrorKind kind_;
  int descriptor_ = -1;
  uint64_t data_start_ = 0;
  Metadata metadata_;
  std::vector<TensorEntry> tensors_;
  std::unordered_map<std::string_view, size_t> by_name_;  // points into tensors_
};

/// One tensor of a file to be written.
struct NamedTensor {
  std::string name;  ///< unique in the file
  at::Tensor value;  ///< on the CPU; written without a copy if it is contiguous
};

/// Writes a safetensors file so that `path` holds the old file or the whole new one, durably. The tensors' order is the
/// given one and their first byte lies at a multiple of 8; equal input gives equal bytes. Throws ttfm::Error: io for the
/// file system, internal for a tensor that cannot be written (a device's, an unknown type, a name used twice).
void write_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                       const Metadata& metadata = {});

}  // namespace ttfm::io
