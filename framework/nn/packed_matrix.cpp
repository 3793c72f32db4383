// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/packed_matrix.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include <ttfm/parallel.h>

#include "kernels/panels.h"

namespace ttfm::nn {
namespace {

using kernels::kPanel;
using kernels::PanelLoops;

int64_t panels_of(int64_t n) { return (n + kPanel - 1) / kPanel; }

}  // namespace

bool PackedMatrix::supported() { return kernels::isa() != kernels::Isa::plain; }

bool PackedMatrix::worth_it(const at::Tensor& m, int64_t rows) {
  constexpr int64_t kFewRows = 2 * kRows;
  const bool dense = (m.stride(1) == 1 && m.stride(0) >= m.size(1)) || (m.stride(0) == 1 && m.stride(1) >= m.size(0));
  return supported() && m.is_cpu() && m.scalar_type() == at::kFloat && dense && rows >= kFewRows && m.size(1) > 0 &&
         m.size(0) > 0;
}

PackedMatrix::PackedMatrix(const at::Tensor& m)
    : PackedMatrix({m.const_data_ptr<float>(), m.stride(0), m.stride(1)}, m.size(0), m.size(1)) {}

PackedMatrix::PackedMatrix(StridedMatrix<float> m, int64_t k, int64_t n) : k_(k), n_(n) {
  if (has_tiles()) {
    tiles_.emplace(m, k_, n_);
    return;
  }
  panels_ = at::empty({panels_of(n_) * k_ * kPanel}, at::kFloat);
  auto* to = panels_.mutable_data_ptr<float>();
  constexpr int64_t kWorthAThread = 1 << 15;  // numbers
  parallel_for(0, panels_of(n_), std::max<int64_t>(1, kWorthAThread / (k_ * kPanel)), [&](int64_t first, int64_t last) {
    kernels::dispatch<PanelLoops>([&](auto loops) { loops.pack(m, k_, n_, to, first, last); });
  });
}

void PackedMatrix::multiply(StridedMatrix<float> x, int64_t rows, bool add, float* y, int64_t stride_y) const {
  if (tiles_) return tiles_->multiply(x, rows, add, y, stride_y);
  const auto* panels = panels_.const_data_ptr<float>();
  const kernels::Step whole{0, 0, k_};
  at::Tensor turned;
  if (x.column != 1) turned = at::empty({std::min(rows, kRows), k_}, panels_.options());
  for (int64_t row = 0; row < rows; row += kRows) {
    const int64_t block = std::min(kRows, rows - row);
    const float* left = x.data + row * x.row;
    kernels::dispatch<PanelLoops>([&](auto loops) {
      if (turned.defined()) {
        loops.transpose(left, x.column, k_, block, turned.mutable_data_ptr<float>(), k_);
        left = turned.const_data_ptr<float>();
      }
      loops.multiply(left, turned.defined() ? k_ : x.row, panels, k_ * kPanel, &whole, 1, block, n_, add,
                     y + row * stride_y, stride_y);
    });
  }
}

void PackedMatrix::multiply(const float* x, int64_t stride_x, int64_t rows, float* y, int64_t stride_y,
                            const float* bias) const {
  for (int64_t i = 0; i < rows && bias; ++i) std::copy_n(bias, n_, y + i * stride_y);
  multiply({x, stride_x, 1}, rows, /*add=*/bias != nullptr, y, stride_y);
}

}  // namespace ttfm::nn
