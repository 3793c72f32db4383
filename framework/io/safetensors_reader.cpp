// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/empty.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <sstream>

#include <ttfm/io/safetensors.h>

#include "base/limits.h"
#include "io/safetensors_header.h"
#include "io/safetensors_types.h"

static_assert(std::endian::native == std::endian::little, "safetensors files are read as they lie in memory");

namespace ttfm::io {

static_assert(SafetensorsFile::kMaxHeaderBytes == limits::kSafetensorsHeaderBytes.standard);
static_assert(SafetensorsFile::kMaxRank == limits::kSafetensorsDimensions.standard);

std::string TensorEntry::describe() const {
  std::ostringstream text;
  const SafetensorsType* type = find_type(dtype);
  text << (type ? type->name : "?") << " [";
  for (size_t i = 0; i < shape.size(); ++i) text << (i ? ", " : "") << shape[i];
  text << "]";
  return text.str();
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path, ErrorKind kind) : path_(path), kind_(kind) {
  descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // non-blocking: a FIFO must not hang us
  if (descriptor_ < 0) fail(std::string("cannot be opened: ") + std::strerror(errno));
  try {
    read_header();
  } catch (const HeaderError& error) {
    close(descriptor_);
    fail(error.what());
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

SafetensorsFile::~SafetensorsFile() { close(descriptor_); }

void SafetensorsFile::fail(const std::string& what) const { throw Error(kind_, path_.string() + ": " + what); }

void SafetensorsFile::read_header() {
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) fail(std::string("cannot be examined: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("is not a regular file");
  const auto size = static_cast<uint64_t>(status.st_size);
  if (size < 8) {
    fail("has " + std::to_string(size) +
         " bytes; a safetensors file starts with 8 bytes that give its header's length");
  }

  uint64_t length = 0;
  read_bytes(0, &length, 8);
  if (length > limits::kSafetensorsHeaderBytes.value()) {
    fail("its header would have " + std::to_string(length) + " bytes, " + limits::kSafetensorsHeaderBytes.text(length) +
         "; is it a safetensors file?");
  }
  if (length > size - 8) {
    fail("its header would have " + std::to_string(length) + " bytes, but only " + std::to_string(size - 8) +
         " follow: the file is truncated");
  }
  std::string json(length, '\0');
  read_bytes(8, json.data(), length);
  if (json.empty() || json[0] != '{') fail("its header does not start with '{'; is it a safetensors file?");

  SafetensorsHeader header = parse_safetensors_header(json);
  metadata_ = std::move(header.metadata);
  tensors_ = std::move(header.tensors);
  data_start_ = 8 + length;
  check_ranges(size - data_start_);
  by_name_.reserve(tensors_.size());
  for (size_t i = 0; i < tensors_.size(); ++i) by_name_.emplace(tensors_[i].name, i);
}

void SafetensorsFile::check_ranges(uint64_t data_bytes) {
  std::stable_sort(tensors_.begin(), tensors_.end(), [](const TensorEntry& a, const TensorEntry& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t covered = 0;
  for (const TensorEntry& entry : tensors_) {
    if (entry.begin != covered) {
      fail("tensor " + in_quotes(entry.name) + " starts at byte " + std::to_string(entry.begin) +
           " of the data, expected " + std::to_string(covered) + ": the tensors " +
           (entry.begin > covered ? "leave a hole" : "overlap"));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    fail("its tensors have " + std::to_string(covered) + " bytes, the file has " + std::to_string(data_bytes) +
         (covered > data_bytes ? ": it is truncated" : ": something was appended"));
  }
}

const TensorEntry* SafetensorsFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

const TensorEntry& SafetensorsFile::at(std::string_view name) const {
  if (const TensorEntry* entry = find(name)) return *entry;
  constexpr size_t kShown = 8;
  std::string names;
  for (size_t i = 0; i < std::min(kShown, tensors_.size()); ++i) names += (i ? ", " : "") + in_quotes(tensors_[i].name);
  if (tensors_.size() > kShown) names += " and " + std::to_string(tensors_.size() - kShown) + " more";
  fail("has no tensor `" + std::string(name) + "`; it has " + (names.empty() ? "none" : names));
}

void SafetensorsFile::read_bytes(uint64_t offset, void* out, uint64_t size) const {
  constexpr uint64_t kMostAtOnce = uint64_t{1} << 30;  // the kernel transfers at most 2 GiB in one call
  auto* to = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = pread(descriptor_, to, std::min(size, kMostAtOnce), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot be read at byte " + std::to_string(offset) + ": " + std::strerror(errno));
    if (got == 0) fail("ends at byte " + std::to_string(offset) + ": it was truncated while it was read");
    to += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<uint64_t>(got);
  }
}

void SafetensorsFile::read_values(const TensorEntry& entry, uint64_t offset, void* out, uint64_t size) const {
  read_bytes(data_start_ + entry.begin + offset, out, size);
  if (entry.dtype != c10::ScalarType::Bool) return;
  // any other byte in a bool is undefined behaviour
  const auto* bytes = static_cast<const uint8_t*>(out);
  const auto* wrong = std::find_if(bytes, bytes + size, [](uint8_t byte) { return byte > 1; });
  if (wrong != bytes + size) {
    fail("tensor `" + entry.name + "` (BOOL) holds the byte " + std::to_string(*wrong) + ", expected 0 or 1");
  }
}

at::Tensor SafetensorsFile::read(const TensorEntry& entry) const {
  at::Tensor out = at::empty(entry.shape, at::TensorOptions().dtype(entry.dtype));
  read_into(entry, out);
  return out;
}

at::Tensor SafetensorsFile::read_rows(const TensorEntry& entry, int64_t first, int64_t count) const {
  const int64_t rows = entry.shape.empty() ? 0 : entry.shape[0];
  if (entry.shape.empty() || first < 0 || count < 0 || first > rows || count > rows - first) {
    throw Error(ErrorKind::internal, path_.string() + ": rows [" + std::to_string(first) + ", " +
                                         std::to_string(first + count) + ") of tensor `" + entry.name + "` (" +
                                         entry.describe() + ") were asked for");
  }
  std::vector<int64_t> shape = entry.shape;
  shape[0] = count;
  at::Tensor out = at::empty(shape, at::TensorOptions().dtype(entry.dtype));
  const uint64_t row_bytes = rows == 0 ? 0 : entry.bytes() / static_cast<uint64_t>(rows);
  read_values(entry, static_cast<uint64_t>(first) * row_bytes, out.mutable_data_ptr(), out.nbytes());
  return out;
}

void SafetensorsFile::read_into(const TensorEntry& entry, const at::Tensor& out) const {
  if (!out.is_cpu() || !out.is_contiguous() || out.scalar_type() != entry.dtype || out.sizes() != entry.shape) {
    std::ostringstream given;
    given << out.scalar_type() << " " << out.sizes() << " on " << out.device();
    throw Error(ErrorKind::internal, path_.string() + ": tensor `" + entry.name + "` (" + entry.describe() +
                                         ") cannot be read into " + given.str() +
                                         "; it has to be contiguous, on the CPU, of the same type and shape");
  }
  read_values(entry, 0, out.mutable_data_ptr(), entry.bytes());
}

}  // namespace ttfm::io
