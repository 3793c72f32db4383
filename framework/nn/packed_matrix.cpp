// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/packed_matrix.h"

#include <algorithm>
#include <type_traits>

#include <ttfm/parallel.h>

#include "kernels/panels.h"
#include "nn/loop_tensors.h"

namespace ttfm::nn {
namespace {

using kernels::kPanel;
using kernels::panels_of;

constexpr int64_t kLine = 16;  // units of a cache line

}  // namespace

bool PackedMatrix::supported(at::ScalarType type) {
  // oneDNN multiplies bfloat16 by the matrix units
  return kernels::isa() != kernels::Isa::plain && (type == at::kFloat || (type == at::kBFloat16 && !has_tiles()));
}

bool PackedMatrix::worth_it(const at::Tensor& m, int64_t rows) {
  constexpr int64_t kFewRows = 8;
  const bool dense = (m.stride(1) == 1 && m.stride(0) >= m.size(1)) || (m.stride(0) == 1 && m.stride(1) >= m.size(0));
  return m.is_cpu() && supported(m.scalar_type()) && dense && rows >= kFewRows && m.size(1) > 0 && m.size(0) > 0;
}

PackedMatrix::PackedMatrix(const at::Tensor& m) : k_(m.size(0)), n_(m.size(1)) {
  loop::with_type(m.scalar_type(), [&](auto number) {
    using T = decltype(number);
    pack(StridedMatrix<T>{loop::in<T>(m), m.stride(0), m.stride(1)});
  });
}

template <class T>
PackedMatrix::PackedMatrix(StridedMatrix<T> m, int64_t k, int64_t n) : k_(k), n_(n) {
  pack(m);
}

template <class T>
void PackedMatrix::pack(StridedMatrix<T> m) {
  if constexpr (std::is_same_v<T, float>) {
    if (has_tiles()) {
      tiles_.emplace(m, k_, n_);
      return;
    }
  }
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    using Loops = decltype(loops);
    panel_ = Loops::template units<T>(k_) * kPanel;
    memory_ = std::make_shared<Scratch>();
    auto* const to = memory_->get<typename Loops::template Unit<T>>(panels_of(n_) * panel_);
    panels_ = to;
    constexpr int64_t kWorthAThread = 1 << 15;
    parallel_for(0, panels_of(n_), std::max<int64_t>(1, kWorthAThread / panel_),
                 [&](int64_t first, int64_t last) { loops.pack(m, k_, n_, to, panel_, first, last); });
  });
}

PackedMatrix PackedMatrix::leading(int64_t k, int64_t n) const {
  PackedMatrix part = *this;
  part.k_ = k;
  part.n_ = n;
  if (tiles_) part.tiles_ = tiles_->leading(k, n);
  return part;
}

template <class T, class Y>
void PackedMatrix::multiply(StridedMatrix<T> x, int64_t rows, const float* bias, bool add, Y* y,
                            int64_t stride_y) const {
  if constexpr (std::is_same_v<Y, float> && std::is_same_v<T, float>) {
    if (tiles_) {
      for (int64_t i = 0; i < rows && bias; ++i) std::copy_n(bias, n_, y + i * stride_y);
      return tiles_->multiply(x, rows, add || bias, y, stride_y);
    }
  }
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    using Loops = decltype(loops);
    using Unit = typename Loops::template Unit<T>;
    const int64_t depth = Loops::template units<T>(k_);
    const auto* const panels = static_cast<const Unit*>(panels_);
    Scratch laid_out;
    for (int64_t row = 0; row < rows; row += kRows) {
      const int64_t block = std::min(kRows, rows - row);
      const StridedMatrix<T> part{x.data + row * x.row, x.row, x.column};
      const Unit* left = loops.template in_place<T>(part, k_);
      int64_t stride = Loops::template units<T>(x.row);
      if (!left) {
        stride = depth + kLine;  // no power of two: rows would compete for cache lines
        Unit* const to = laid_out.get<Unit>(std::min(rows, kRows) * stride);
        loops.load(part, block, k_, to, stride);
        left = to;
      }
      loops.multiply(left, stride, panels, panel_, depth, block, n_, bias, add, y + row * stride_y, stride_y);
    }
  });
}

using kernels::Bf16;

template PackedMatrix::PackedMatrix(StridedMatrix<float>, int64_t, int64_t);
template PackedMatrix::PackedMatrix(StridedMatrix<Bf16>, int64_t, int64_t);
template void PackedMatrix::multiply(StridedMatrix<float>, int64_t, const float*, bool, float*, int64_t) const;
template void PackedMatrix::multiply(StridedMatrix<Bf16>, int64_t, const float*, bool, float*, int64_t) const;
template void PackedMatrix::multiply(StridedMatrix<Bf16>, int64_t, const float*, bool, Bf16*, int64_t) const;

}  // namespace ttfm::nn
