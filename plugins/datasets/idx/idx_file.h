// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace ttfm::idx {

/// An IDX file of bytes (http://yann.lecun.com/exdb/mnist): big-endian magic 0x0000 08 rank, the sizes as uint32, the
/// values row by row.
struct IdxFile {
  std::vector<int64_t> sizes;
  std::vector<uint8_t> values;
};

/// Reads a file, plain or compressed by gzip, that must have the given rank. No more memory is taken than the file can
/// fill: the header's sizes are held against the file's length first.
/// @throws ttfm::Error (data) for a wrong magic, a truncated or an oversized file, a broken compression, more than
/// `max_bytes` of values
IdxFile read_idx(const std::filesystem::path& path, int64_t rank, int64_t max_bytes);

}  // namespace ttfm::idx
