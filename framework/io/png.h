// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>

namespace ttfm::io {

/// A PNG file's bytes.
/// @param image uint8 [height, width, channels] on the CPU, 1 channel (gray) or 3 (sRGB), at least one pixel
std::string encode_png(const at::Tensor& image);

/// Writes encode_png(image) atomically.
void write_png(const std::filesystem::path& path, const at::Tensor& image);

}  // namespace ttfm::io
