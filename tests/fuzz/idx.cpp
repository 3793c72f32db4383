// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <zlib.h>

#include <optional>

#include "datasets/idx/idx_file.h"
#include "fuzz/fuzz.h"

namespace {

using ttfm::idx::IdxFile;

std::optional<IdxFile> read(const std::filesystem::path& path, int64_t rank) {
  std::optional<IdxFile> file;
  ttfm::fuzz::accepted([&] { file = ttfm::idx::read_idx(path, rank, 1 << 24); });
  return file;
}

std::string zipped(std::string_view bytes) {
  std::string out(bytes.size() + bytes.size() / 100 + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16 /* gzip */, 1, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  ttfm::fuzz::require(status == Z_STREAM_END, "there was room for the compressed input");
  return out;
}

}  // namespace

/// The input is an IDX file of one or three dimensions, plain or compressed. A plain one gives its bytes, and the same
/// after it was compressed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm::fuzz;
  const std::string_view bytes = text_of(data, size);
  const bool plain = !bytes.starts_with("\x1f\x8b");
  const auto path = write("input", bytes);
  const auto compressed = write("input.gz", plain ? zipped(bytes) : "");
  for (const int64_t rank : {1, 3}) {
    const std::optional<IdxFile> file = read(path, rank);
    if (file) {
      size_t count = 1;
      for (const int64_t length : file->sizes) count *= static_cast<size_t>(length);
      require(file->values.size() == count, "a file has as many values as its sizes say");
    }
    if (!plain) continue;
    if (file) {
      require(bytes.substr(bytes.size() - file->values.size()) == text_of(file->values.data(), file->values.size()),
              "values are the file's bytes");
    }
    const std::optional<IdxFile> same = read(compressed, rank);
    require(same.has_value() == file.has_value(), "compressing does not change whether a file is taken");
    require(!file || (same->sizes == file->sizes && same->values == file->values),
            "compressing does not change what is read");
  }
  return 0;
}
