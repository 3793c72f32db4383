// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace ttfm::eval {

/// A picture uint8 [h, w, 1 or 3] in host memory, with a caption (letters of font.h).
struct Panel {
  std::string caption;
  at::Tensor picture;
};

/// All panels in one picture, uint8 [H, W, 3], each below its caption: data | teacher | N=1 | N=2 ... From left to
/// right in rows of `columns` (0: one row); a caption that is wider than its picture is cut off.
at::Tensor side_by_side(const std::vector<Panel>& panels, int64_t columns = 0);

}  // namespace ttfm::eval
