// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/packed_matrix.h"

#include <ATen/native/CPUBlas.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include <ttfm/parallel.h>

#include "kernels/panels.h"

namespace ttfm::nn {
namespace {

using kernels::kPanel;

int64_t panels_of(int64_t n) { return (n + kPanel - 1) / kPanel; }

}  // namespace

bool PackedMatrix::worth_it(const at::Tensor& m, int64_t rows) {
  constexpr int64_t kFewRows = 2 * kRows;
  const bool dense = (m.stride(1) == 1 && m.stride(0) >= m.size(1)) || (m.stride(0) == 1 && m.stride(1) >= m.size(0));
  return m.is_cpu() && m.scalar_type() == at::kFloat && dense && rows >= kFewRows && m.size(1) > 0 && m.size(0) > 0;
}

PackedMatrix::PackedMatrix(const at::Tensor& m) : k_(m.size(0)), n_(m.size(1)) {
  const auto* from = m.const_data_ptr<float>();
  if (has_tiles()) {
    tiles_.emplace(TileMatrix{from, m.stride(0), m.stride(1)}, k_, n_);
    return;
  }
  panels_ = at::empty({panels_of(n_), k_, kPanel}, m.options());
  auto* to = panels_.mutable_data_ptr<float>();
  constexpr int64_t kWorthAThread = 1 << 15;  // numbers
  parallel_for(0, panels_of(n_), std::max<int64_t>(1, kWorthAThread / (k_ * kPanel)), [&](int64_t first, int64_t last) {
    kernels::dispatch<kernels::PanelLoops>(
        [&](auto loops) { loops.pack(from, m.stride(0), m.stride(1), k_, n_, to, first, last); });
  });
}

void PackedMatrix::multiply(const float* x, int64_t stride_x, int64_t rows, float* y, int64_t stride_y,
                            const float* bias) const {
  for (int64_t i = 0; i < rows && bias; ++i) std::copy_n(bias, n_, y + i * stride_y);
  if (tiles_) return tiles_->multiply(TileMatrix{x, stride_x, 1}, rows, bias != nullptr, y, stride_y);
  const auto* panels = panels_.const_data_ptr<float>();
  for (int64_t row = 0; row < rows; row += kRows) {
    const int64_t block = std::min(kRows, rows - row);
    for (int64_t column = 0; column < n_; column += kPanel) {
      at::native::cpublas::brgemm(block, std::min(kPanel, n_ - column), k_, stride_x, kPanel, stride_y,
                                  /*add_C=*/bias != nullptr, x + row * stride_x, panels + column * k_,
                                  y + row * stride_y + column);
    }
  }
}

}  // namespace ttfm::nn
