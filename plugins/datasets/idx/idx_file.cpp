// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "idx_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <string>

#include <ttfm/error.h>

namespace ttfm::idx {
namespace {

/// A file as a stream of bytes, decompressed if it starts with gzip's two bytes.
class Source {
 public:
  explicit Source(const std::filesystem::path& path) : path_(path) {
    std::error_code error;
    size_ = static_cast<int64_t>(std::filesystem::file_size(path, error));
    if (error) fail("cannot be opened: " + error.message());
    file_.reset(gzopen(path.c_str(), "rb"));
    if (!file_) fail(std::string("cannot be opened: ") + std::strerror(errno));
    gzbuffer(file_.get(), 1 << 17);
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(ErrorKind::data, path_.string() + ": " + what); }

  /// Reads up to `size` bytes and returns how many there were.
  int64_t read(uint8_t* out, int64_t size) {
    int64_t done = 0;
    while (done < size) {
      const auto wanted = static_cast<unsigned>(std::min<int64_t>(size - done, 1 << 30));
      const int got = gzread(file_.get(), out + done, wanted);
      int status = Z_OK;
      std::string text = gzerror(file_.get(), &status);  // "path: what"
      // a stream that ends early: what came before it is counted, and the caller says how much is missing
      cut_ = cut_ || status == Z_BUF_ERROR;
      const size_t colon = text.rfind(": ");
      if (colon != std::string::npos) text = text.substr(colon + 2);
      if (got < 0 && !cut_) fail("cannot be decompressed: " + text);
      if (got <= 0) break;
      done += got;
    }
    return done;
  }

  bool cut() const { return cut_; }  ///< the compressed stream ended before its checksum
  bool compressed() const { return !gzdirect(file_.get()); }
  int64_t size() const { return size_; }  ///< of the file as it lies on the disk

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::filesystem::path path_;
  int64_t size_ = 0;
  bool cut_ = false;
  std::unique_ptr<gzFile_s, Close> file_;
};

int64_t big_endian(const uint8_t* bytes) {
  return int64_t{bytes[0]} << 24 | int64_t{bytes[1]} << 16 | int64_t{bytes[2]} << 8 | int64_t{bytes[3]};
}

std::string bytes_text(int64_t count) { return std::to_string(count) + (count == 1 ? " byte" : " bytes"); }

}  // namespace

IdxFile read_idx(const std::filesystem::path& path, int64_t rank, int64_t max_bytes) {
  Source source(path);
  std::array<uint8_t, 4 + 4 * 8> header{};
  const int64_t header_size = 4 + 4 * rank;
  if (const int64_t got = source.read(header.data(), header_size); got != header_size) {
    source.fail("is truncated: it has " + bytes_text(got) + ", the header alone " + std::to_string(header_size));
  }
  const int64_t magic = big_endian(header.data()), expected_magic = 0x0800 + rank;
  if (magic != expected_magic) {
    char text[128];
    std::snprintf(text, sizeof text,
                  "starts with 0x%08llx, expected 0x%08llx: an IDX file of bytes with %lld dimension%s",
                  static_cast<unsigned long long>(magic), static_cast<unsigned long long>(expected_magic),
                  static_cast<long long>(rank), rank == 1 ? "" : "s");
    source.fail(text);
  }

  IdxFile file;
  int64_t count = 1;
  std::string shape;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t size = big_endian(header.data() + 4 + 4 * i);
    file.sizes.push_back(size);
    shape += (i ? " x " : "") + std::to_string(size);
    if (size == 0) source.fail("has no values: its header says " + shape);
    if (__builtin_mul_overflow(count, size, &count)) source.fail("has impossible sizes in its header: " + shape);
  }
  // deflate makes at most 1032 bytes of one (RFC 1951: 258 bytes from two bits)
  constexpr int64_t kMostFromOne = 1032;
  const bool compressed = source.compressed();
  const int64_t available = compressed ? source.size() : source.size() - header_size;
  if (count / (compressed ? kMostFromOne : 1) > available) {
    source.fail("is truncated: its header says " + shape + " = " + bytes_text(count) + " of values, which " +
                (compressed ? "a compressed file of " + bytes_text(source.size()) + " cannot hold"
                            : "is more than the " + bytes_text(available) + " that follow"));
  }
  if (count > max_bytes) {
    source.fail("has " + shape + " = " + bytes_text(count) +
                " of values, more than max_bytes = " + std::to_string(max_bytes));
  }

  file.values.resize(static_cast<size_t>(count));
  if (const int64_t got = source.read(file.values.data(), count); got != count) {
    source.fail("is truncated: its header says " + shape + " = " + bytes_text(count) + " of values, it has " +
                std::to_string(got));
  }
  uint8_t more = 0;
  if (source.read(&more, 1) != 0) {
    source.fail("has bytes after the " + std::to_string(count) + " values that its header says (" + shape + ")");
  }
  if (source.cut()) source.fail("is truncated: its compressed stream ends before its checksum");
  return file;
}

}  // namespace ttfm::idx
