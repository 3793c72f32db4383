// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/gemm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <type_traits>

#include <ttfm/interface.h>
#include <ttfm/parallel.h>

#include "kernels/heads.h"

// Of the BLAS inside LibTorch, where it is MKL; null in a LibTorch with another one.
extern "C" [[gnu::weak]] void cblas_gemm_bf16bf16f32(int layout, int transpose_a, int transpose_b, int m, int n, int k,
                                                     float alpha, const uint16_t* a, int stride_a, const uint16_t* b,
                                                     int stride_b, float beta, float* c, int stride_c);

namespace ttfm::nn {
namespace {

/// [rows, columns] as a tensor over the same memory.
template <class T>
Tensor view(const StridedMatrix<T>& m, int64_t rows, int64_t columns, at::ScalarType type) {
  // from_blob takes memory that may be written; operands are only read
  return at::from_blob(const_cast<T*>(m.data), {rows, columns}, {m.row, m.column}, at::TensorOptions().dtype(type));
}

/// C (+)= A B for tensors.
void multiply(const Tensor& a, const Tensor& b, bool add, float* c, int64_t stride) {
  Tensor out = at::from_blob(c, {a.size(0), b.size(1)}, {stride, 1}, at::TensorOptions().dtype(at::kFloat));
  if (!add) out.zero_();  // what is there may be a NaN
  out.addmm_(a, b);
}

template <class T>
void by_packed_matrix(int64_t m, int64_t n, int64_t k, StridedMatrix<T> a, StridedMatrix<T> b, bool add, float* c,
                      int64_t stride) {
  constexpr int64_t kDepth = 1024;      // b is laid out in parts of it: a sum is added up in this order
  constexpr int64_t kLargeBlock = 128;  // rows of a that meet such a part of b
  constexpr int64_t kSmallBlock = 32;
  const int64_t share = (m + at::get_num_threads() - 1) / at::get_num_threads();
  const int64_t block = std::clamp((share + kSmallBlock - 1) / kSmallBlock * kSmallBlock, kSmallBlock, kLargeBlock);
  for (int64_t first = 0; first < k; first += kDepth) {
    const int64_t depth = std::min(kDepth, k - first);
    const PackedMatrix right(StridedMatrix<T>{b.data + first * b.row, b.row, b.column}, depth, n);
    parallel_for(0, (m + block - 1) / block, 1, [&](int64_t from, int64_t to) {
      for (int64_t row = from * block; row < std::min(m, to * block); row += block) {
        const StridedMatrix<T> left{a.data + row * a.row + first * a.column, a.row, a.column};
        right.multiply(left, std::min(block, m - row), /*bias=*/nullptr, add || first > 0, c + row * stride, stride);
      }
    });
  }
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, StridedMatrix<float> a, StridedMatrix<float> b, bool add, float* c,
          int64_t stride) {
  if (PackedMatrix::supported(at::kFloat)) {
    by_packed_matrix(m, n, k, a, b, add, c, stride);
  } else {
    multiply(view(a, m, k, at::kFloat), view(b, k, n, at::kFloat), add, c, stride);
  }
}

void gemm(int64_t m, int64_t n, int64_t k, StridedMatrix<kernels::Bf16> a, StridedMatrix<kernels::Bf16> b, bool add,
          float* c, int64_t stride) {
  if (PackedMatrix::supported(at::kBFloat16)) return by_packed_matrix(m, n, k, a, b, add, c, stride);
  if (!cblas_gemm_bf16bf16f32) {
    multiply(view(a, m, k, at::kBFloat16).to(at::kFloat), view(b, k, n, at::kBFloat16).to(at::kFloat), add, c, stride);
    return;
  }
  constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;
  const auto narrow = [](int64_t x) { return static_cast<int>(x); };
  const auto bits = [](const auto& x) { return reinterpret_cast<const uint16_t*>(x.data); };
  const auto order = [](const auto& x) { return x.column == 1 ? kPlain : kTransposed; };
  const auto apart = [&](const auto& x) { return narrow(std::max(x.row, x.column)); };
  const float alpha = 1, beta = add ? 1 : 0;
  cblas_gemm_bf16bf16f32(kRowMajor, order(a), order(b), narrow(m), narrow(n), narrow(k), alpha, bits(a), apart(a),
                         bits(b), apart(b), beta, c, narrow(stride));
}

template <class T>
bool RightOperand<T>::packs() {
  return PackedMatrix::supported(std::is_same_v<T, float> ? at::kFloat : at::kBFloat16);
}

template <class T>
int64_t RightOperand<T>::block(int64_t rows) {
  return packs() ? std::min(PackedMatrix::kRows, rows) : rows;
}

template <class T>
RightOperand<T>::RightOperand(StridedMatrix<T> b, int64_t k, int64_t n) : b_(b), k_(k), n_(n) {
  if (packs()) packed_.emplace(b, k, n);
}

template <class T>
RightOperand<T> RightOperand<T>::leading(int64_t k, int64_t n) const {
  RightOperand part = *this;
  part.k_ = k;
  part.n_ = n;
  if (packed_) part.packed_ = packed_->leading(k, n);
  return part;
}

template <class T>
void RightOperand<T>::multiply(StridedMatrix<T> a, int64_t rows, bool add, float* c, int64_t stride) const {
  if (packed_) return packed_->multiply(a, rows, /*bias=*/nullptr, add, c, stride);
  gemm(rows, n_, k_, a, b_, add, c, stride);
}

template <class T>
void RightOperand<T>::multiply(StridedMatrix<T> a, int64_t rows, T* c, int64_t stride) const {
  if (packed_) return packed_->multiply(a, rows, /*bias=*/nullptr, /*add=*/false, c, stride);
  if constexpr (std::is_same_v<T, float>) {
    gemm(rows, n_, k_, a, b_, /*add=*/false, c, stride);
  } else {
    const Tensor sums = at::empty({rows, n_}, at::kFloat);
    float* const from = sums.mutable_data_ptr<float>();
    gemm(rows, n_, k_, a, b_, /*add=*/false, from, n_);
    kernels::dispatch<kernels::HeadLoops>([&](auto loops) { loops.scatter(from, n_, c, stride, rows, n_); });
  }
}

template class RightOperand<float>;
template class RightOperand<kernels::Bf16>;

}  // namespace ttfm::nn
