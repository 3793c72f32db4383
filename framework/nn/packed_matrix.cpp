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

bool PackedMatrix::has_panels(at::ScalarType type) { return supported(type) && !has_tiles(); }

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
  allocate<T>();
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    auto* const to = static_cast<typename decltype(loops)::template Unit<T>*>(panels_);
    constexpr int64_t kWorthAThread = 1 << 15;
    parallel_for(0, panels_of(n_), std::max<int64_t>(1, kWorthAThread / panel_),
                 [&](int64_t first, int64_t last) { loops.pack(m, k_, n_, to, panel_, first, last); });
  });
}

template <class T>
void PackedMatrix::allocate() {
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    using Loops = decltype(loops);
    panel_ = Loops::template units<T>(k_) * kPanel;
    memory_ = std::make_shared<Scratch>();
    panels_ = memory_->get<typename Loops::template Unit<T>>(panels_of(n_) * panel_);
  });
}

template <class T>
PackedMatrix PackedMatrix::without_numbers(int64_t k, int64_t n) {
  PackedMatrix empty(k, n);
  empty.allocate<T>();
  return empty;
}

template <class T>
void PackedMatrix::put(int64_t first, int64_t count, StridedMatrix<T> m) {
  PackedMatrix part = rows<T>(first, count);
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    auto* const to = static_cast<typename decltype(loops)::template Unit<T>*>(part.panels_);
    loops.pack(m, count, n_, to, panel_, 0, panels_of(n_));
  });
}

template <class T>
PackedMatrix PackedMatrix::rows(int64_t first, int64_t count) const {
  PackedMatrix part = *this;
  part.k_ = count;
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    using Loops = decltype(loops);
    part.panels_ = static_cast<typename Loops::template Unit<T>*>(panels_) + Loops::template units<T>(first) * kPanel;
  });
  return part;
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
      loops.multiply(kernels::LeftOperand<Unit>::by_row(left, stride), panels, panel_, depth, block, n_, bias, add,
                     y + row * stride_y, stride_y);
    }
  });
}

template <class T>
void PackedMatrix::multiply(const GroupedMatrix& left, int64_t first, int64_t last, bool add, float* y,
                            int64_t stride_y) const {
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    using Loops = decltype(loops);
    using Unit = typename Loops::template Unit<T>;
    const auto* const units = static_cast<const Unit*>(left.units_) + first / kernels::kGroup * left.group_;
    loops.multiply(kernels::LeftOperand<Unit>::by_group(units, left.group_), static_cast<const Unit*>(panels_), panel_,
                   Loops::template units<T>(k_), last - first, n_, /*bias=*/nullptr, add, y + first * stride_y,
                   stride_y);
  });
}

template <class T>
GroupedMatrix GroupedMatrix::without_numbers(int64_t m, int64_t k) {
  static_assert(kRows == kernels::kGroup);
  GroupedMatrix empty;
  empty.m_ = m;
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    using Loops = decltype(loops);
    empty.group_ =
        Loops::template units<T>(k) * kRows + kLine;  // no power of two: groups would compete for cache lines
    empty.memory_ = std::make_shared<Scratch>();
    empty.units_ = empty.memory_->get<typename Loops::template Unit<T>>((m + kRows - 1) / kRows * empty.group_);
  });
  return empty;
}

template <class T>
void GroupedMatrix::put(int64_t first, int64_t count, StridedMatrix<T> x) {
  const GroupedMatrix part = from<T>(first);
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    auto* const to = static_cast<typename decltype(loops)::template Unit<T>*>(part.units_);
    loops.group(x, count, m_, to, group_);
  });
}

template <class T>
GroupedMatrix GroupedMatrix::from(int64_t first) const {
  GroupedMatrix part = *this;
  kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
    using Loops = decltype(loops);
    part.units_ = static_cast<typename Loops::template Unit<T>*>(units_) + Loops::template units<T>(first) * kRows;
  });
  return part;
}

using kernels::Bf16;

template void PackedMatrix::multiply<float>(const GroupedMatrix&, int64_t, int64_t, bool, float*, int64_t) const;
template void PackedMatrix::multiply<Bf16>(const GroupedMatrix&, int64_t, int64_t, bool, float*, int64_t) const;
template GroupedMatrix GroupedMatrix::without_numbers<float>(int64_t, int64_t);
template GroupedMatrix GroupedMatrix::without_numbers<Bf16>(int64_t, int64_t);
template void GroupedMatrix::put(int64_t, int64_t, StridedMatrix<float>);
template void GroupedMatrix::put(int64_t, int64_t, StridedMatrix<Bf16>);
template GroupedMatrix GroupedMatrix::from<float>(int64_t) const;
template GroupedMatrix GroupedMatrix::from<Bf16>(int64_t) const;
template PackedMatrix::PackedMatrix(StridedMatrix<float>, int64_t, int64_t);
template PackedMatrix::PackedMatrix(StridedMatrix<Bf16>, int64_t, int64_t);
template PackedMatrix PackedMatrix::without_numbers<float>(int64_t, int64_t);
template PackedMatrix PackedMatrix::without_numbers<Bf16>(int64_t, int64_t);
template void PackedMatrix::put(int64_t, int64_t, StridedMatrix<float>);
template void PackedMatrix::put(int64_t, int64_t, StridedMatrix<Bf16>);
template PackedMatrix PackedMatrix::rows<float>(int64_t, int64_t) const;
template PackedMatrix PackedMatrix::rows<Bf16>(int64_t, int64_t) const;
template void PackedMatrix::multiply(StridedMatrix<float>, int64_t, const float*, bool, float*, int64_t) const;
template void PackedMatrix::multiply(StridedMatrix<Bf16>, int64_t, const float*, bool, float*, int64_t) const;
template void PackedMatrix::multiply(StridedMatrix<Bf16>, int64_t, const float*, bool, Bf16*, int64_t) const;

}  // namespace ttfm::nn
