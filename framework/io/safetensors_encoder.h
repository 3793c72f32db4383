// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <vector>

#include <ttfm/io/safetensors.h>

namespace ttfm::io {

/// The bytes of a safetensors file, from the first to the last, in pieces: what write_safetensors() writes. `path` is
/// for messages; everything is checked before the first piece.
void encode_safetensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors,
                        const Metadata& metadata, const std::function<void(const void*, size_t)>& write);

}  // namespace ttfm::io
