// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ttfm::eval {

struct GridOptions {
  int64_t columns = 0;    ///< 0: as many as make the grid about square
  int64_t scale = 0;      ///< pixels of the grid for one of a sample; 0: so that a cell is at least 56 pixels wide
  int64_t separator = 2;  ///< pixels between cells, not around them; in the middle of the range
};

/// Images in equal cells, in the order of their rows from left to right and top to bottom, so that the same noise is in
/// the same cell of every grid.
///
/// samples: [N, C, H, W], C = 1 (gray) or 3 (sRGB), on any device; `low` becomes 0 and `high` 255, values beyond are
/// clamped and those that are not finite become black. Cells without a sample look like the separator. Returns uint8
/// [H', W', C] in host memory. Throws ttfm::Error (internal) for another shape or a range that is not low < high.
at::Tensor sample_grid(const at::Tensor& samples, double low, double high, const GridOptions& options = {});

/// The bytes of values in [low, high]: round(255 (x - low)/(high - low)), clamped; 0 for what is not finite.
at::Tensor to_bytes(const at::Tensor& x, double low, double high);

}  // namespace ttfm::eval
