// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/tile_product.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include <ttfm/parallel.h>

#include "kernels/isa.h"

namespace ttfm::nn {
namespace {

using kernels::TileLoops;

constexpr int64_t kBlock = 64;  // rows that are split and multiplied while they are in a core's cache

TileLoops::Left left_of(const at::Tensor& memory, int64_t depth, const std::vector<int64_t>& offsets) {
  return {bytes_of(memory), TileLoops::left_stride(depth), offsets.data()};
}

TileMatrix from_row(TileMatrix m, int64_t i) { return {m.data + i * m.row, m.row, m.column}; }

}  // namespace

bool has_tiles() { return kernels::isa() == kernels::Isa::amx; }

std::vector<int64_t> offsets_of(int64_t steps) {
  std::vector<int64_t> offsets(static_cast<size_t>(steps));
  for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = static_cast<int64_t>(i) * TileLoops::kStep;
  return offsets;
}

at::Tensor tile_memory(int64_t bytes) { return at::empty({bytes}, at::kByte); }

TilePanels::TilePanels(std::span<const TileMatrix> parts, int64_t depth, int64_t columns)
    : depth_(depth * static_cast<int64_t>(parts.size())),
      columns_(columns),
      depth_of_panels_(depth_),
      memory_(tile_memory(TileLoops::panels(columns) * TileLoops::panel_bytes(depth_))) {
  constexpr int64_t kWorthAThread = 1 << 15;  // numbers
  parallel_for(0, TileLoops::panels(columns), std::max<int64_t>(1, kWorthAThread / (depth_ * TileLoops::kColumns)),
               [&](int64_t first, int64_t last) {
                 char* to = bytes_of(memory_);
                 for (const TileMatrix& m : parts) {
                   TileLoops::split_right(m, depth, columns, to, TileLoops::panel_bytes(depth_), first, last);
                   to += TileLoops::panel_bytes(depth);
                 }
               });
}

TilePanels TilePanels::leading(int64_t depth, int64_t columns) const {
  TilePanels part = *this;
  part.depth_ = depth;
  part.columns_ = columns;
  return part;
}

void TilePanels::multiply(TileLoops::Left left, int64_t rows, bool add, float* y, int64_t stride) const {
  TileLoops::multiply(left, TileLoops::panels_at(bytes_of(memory_), depth_of_panels_), TileLoops::steps(depth_), rows,
                      columns_, add, y, stride);
}

void TilePanels::multiply(TileMatrix m, int64_t rows, bool add, float* y, int64_t stride) const {
  const auto offsets = offsets_of(TileLoops::steps(depth_));
  const at::Tensor left = tile_memory(TileLoops::left_bytes(std::min(rows, kBlock), depth_));
  for (int64_t row = 0; row < rows; row += kBlock) {
    const int64_t block = std::min(kBlock, rows - row);
    TileLoops::split_left(from_row(m, row), block, depth_, bytes_of(left));
    multiply(left_of(left, depth_, offsets), block, add, y + row * stride, stride);
  }
}

}  // namespace ttfm::nn
