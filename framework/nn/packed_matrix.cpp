// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/packed_matrix.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <type_traits>

#include <ttfm/parallel.h>

#include "kernels/heads.h"
#include "kernels/panels.h"
#include "nn/loop_tensors.h"

namespace ttfm::nn {
namespace {

using kernels::kPanel;
using kernels::PanelLoops;

int64_t panels_of(int64_t n) { return (n + kPanel - 1) / kPanel; }

at::Tensor floats(int64_t count) { return at::empty({count}, at::kFloat); }

}  // namespace

bool PackedMatrix::supported(at::ScalarType type) {
  // oneDNN multiplies bfloat16 by the matrix units
  return kernels::isa() != kernels::Isa::plain && (type == at::kFloat || (type == at::kBFloat16 && !has_tiles()));
}

bool PackedMatrix::worth_it(const at::Tensor& m, int64_t rows) {
  constexpr int64_t kFewRows = 16;
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
  panels_ = floats(panels_of(n_) * k_ * kPanel);
  auto* to = panels_.mutable_data_ptr<float>();
  constexpr int64_t kWorthAThread = 1 << 15;  // numbers
  parallel_for(0, panels_of(n_), std::max<int64_t>(1, kWorthAThread / (k_ * kPanel)), [&](int64_t first, int64_t last) {
    kernels::dispatch<PanelLoops>([&](auto loops) { loops.pack(m, k_, n_, to, first, last); });
  });
}

template <class T>
void PackedMatrix::multiply(StridedMatrix<T> x, int64_t rows, bool add, float* y, int64_t stride_y) const {
  constexpr bool wide = std::is_same_v<T, float>;
  if constexpr (wide) {
    if (tiles_) return tiles_->multiply(x, rows, add, y, stride_y);
  }
  const auto* panels = panels_.const_data_ptr<float>();
  const kernels::Step whole{0, 0, k_};
  const bool as_it_lies = wide && x.column == 1;
  const at::Tensor laid_out = as_it_lies ? at::Tensor() : floats(std::min(rows, kRows) * k_);
  for (int64_t row = 0; row < rows; row += kRows) {
    const int64_t block = std::min(kRows, rows - row);
    kernels::dispatch<PanelLoops>([&](auto loops) {
      const auto multiply = [&](const float* left, int64_t stride) {
        loops.multiply(left, stride, panels, k_ * kPanel, &whole, 1, block, n_, add, y + row * stride_y, stride_y);
      };
      const StridedMatrix<T> left{x.data + row * x.row, x.row, x.column};
      if constexpr (wide) {
        if (as_it_lies) return multiply(left.data, left.row);
      }
      loops.load(left, block, k_, laid_out.mutable_data_ptr<float>(), k_);
      multiply(laid_out.const_data_ptr<float>(), k_);
    });
  }
}

template <class T>
void PackedMatrix::multiply(const T* x, int64_t stride_x, int64_t rows, T* y, int64_t stride_y,
                            const float* bias) const {
  const auto sums = [&](const T* from, int64_t count, float* to, int64_t stride) {
    for (int64_t i = 0; i < count && bias; ++i) std::copy_n(bias, n_, to + i * stride);
    multiply(StridedMatrix<T>{from, stride_x, 1}, count, /*add=*/bias != nullptr, to, stride);
  };
  if constexpr (std::is_same_v<T, float>) {
    sums(x, rows, y, stride_y);
  } else {
    const at::Tensor wide = floats(std::min(rows, kRows) * n_);
    auto* const block = wide.mutable_data_ptr<float>();
    for (int64_t row = 0; row < rows; row += kRows) {
      const int64_t count = std::min(kRows, rows - row);
      sums(x + row * stride_x, count, block, n_);
      kernels::dispatch<kernels::HeadLoops>(
          [&](auto loops) { loops.scatter(block, n_, 1, y + row * stride_y, stride_y, nullptr, count, n_); });
    }
  }
}

using kernels::Bf16;

template PackedMatrix::PackedMatrix(StridedMatrix<float>, int64_t, int64_t);
template PackedMatrix::PackedMatrix(StridedMatrix<Bf16>, int64_t, int64_t);
template void PackedMatrix::multiply(StridedMatrix<float>, int64_t, bool, float*, int64_t) const;
template void PackedMatrix::multiply(StridedMatrix<Bf16>, int64_t, bool, float*, int64_t) const;
template void PackedMatrix::multiply(const float*, int64_t, int64_t, float*, int64_t, const float*) const;
template void PackedMatrix::multiply(const Bf16*, int64_t, int64_t, Bf16*, int64_t, const float*) const;

}  // namespace ttfm::nn
