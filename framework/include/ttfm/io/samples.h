// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include <ttfm/dataset.h>
#include <ttfm/error.h>
#include <ttfm/random.h>

/// What data sets share when they find their files and answer a ReadRequest.
namespace ttfm::io {

/// "train", "validation" or "test".
inline const char* split_name(Split split) {
  constexpr const char* kNames[] = {"train", "validation", "test"};
  return kNames[static_cast<uint32_t>(split)];
}

/// Throws ttfm::Error (data) unless `folder` is there and is a folder. The text is `name`, what is wrong, and `advice`.
inline void check_folder(const std::filesystem::path& folder, const std::string& name, const std::string& advice = {}) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(folder, error);
  if (std::filesystem::is_directory(status)) return;
  std::string what = " is not a folder";
  if (!std::filesystem::exists(status)) what = " does not exist";
  if (!std::filesystem::status_known(status)) what = " cannot be examined: " + error.message();
  throw Error(ErrorKind::data, name + what + advice);
}

/// Host random numbers in float for a request, keyed by (key, split). Row i of a draw belongs to index
/// `first_index` + i, so that a sample does not depend on what it is read with. Draw from its children.
inline Stream sample_stream(const ReadRequest& request, int64_t first_index) {
  Stream::Impl impl;
  impl.key = request.key;
  impl.row_offset = first_index;
  return Stream(impl).child(split_name(request.split));
}

/// Calls draw(position, count, stream) for each run of consecutive indices in the request: samples [position,
/// position + count) of the request are the rows of the stream's draws. One draw a run, not one a sample.
template <class Draw>
void for_each_run(const ReadRequest& request, Draw draw) {
  for (int64_t i = 0; i < request.count;) {
    int64_t end = i + 1;
    while (end < request.count && request.indices[end] == request.indices[end - 1] + 1) ++end;
    draw(i, end - i, sample_stream(request, request.indices[i]));
    i = end;
  }
}

/// Throws ttfm::Error (internal) unless every index of the request is one of the split's `size` samples.
inline void check_indices(const ReadRequest& request, int64_t size) {
  for (int64_t i = 0; i < request.count; ++i) {
    const int64_t index = request.indices[i];
    if (index >= 0 && index < size) continue;
    throw Error(ErrorKind::internal, "sample " + std::to_string(index) + " of split `" + split_name(request.split) +
                                         "` was asked for, which has " + std::to_string(size));
  }
}

}  // namespace ttfm::io
