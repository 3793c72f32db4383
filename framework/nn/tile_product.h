// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/tiles.h"

/// Products of fp32 matrices in host memory by the processor's matrix units, see kernels/tiles.h.
namespace ttfm::nn {

/// Whether the processor has them, and may use them: what follows is for that case only.
bool has_tiles();

using TileMatrix = kernels::TileLoops::Matrix;

/// The right operand of a product, split once for all rows that it meets; the work is shared among threads.
class TilePanels {
 public:
  /// m [depth, columns]
  TilePanels(TileMatrix m, int64_t depth, int64_t columns) : TilePanels({&m, 1}, depth, columns) {}

  /// Several such matrices below each other. The depth of each but the last has to be a multiple of 32.
  TilePanels(std::span<const TileMatrix> parts, int64_t depth, int64_t columns);

  /// Its first rows and columns, in the same memory.
  TilePanels leading(int64_t depth, int64_t columns) const;

  /// y (+)= left times this, on this thread: see kernels::TileLoops::multiply.
  void multiply(kernels::TileLoops::Left left, int64_t rows, bool add, float* y, int64_t stride) const;

  /// y (+)= m times this, on this thread; m [rows, depth].
  void multiply(TileMatrix m, int64_t rows, bool add, float* y, int64_t stride) const;

 private:
  int64_t depth_, columns_;  ///< the depth of all parts
  int64_t depth_of_panels_;  ///< for which memory was laid out
  at::Tensor memory_;
};

/// The offsets of a left operand whose steps follow each other.
std::vector<int64_t> offsets_of(int64_t steps);

/// Memory for operands.
at::Tensor tile_memory(int64_t bytes);
inline char* bytes_of(const at::Tensor& memory) { return static_cast<char*>(memory.mutable_data_ptr()); }

}  // namespace ttfm::nn
