// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/gemm.h"

#include <ATen/native/CPUBlas.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/from_blob.h>

#include <type_traits>
#include <vector>

#include <ttfm/interface.h>

#include "nn/tile_product.h"

// Of the BLAS inside LibTorch, where it is MKL; null in a LibTorch with another one.
extern "C" {
[[gnu::weak]] void sgemm_(const char* transpose_a, const char* transpose_b, const int* m, const int* n, const int* k,
                          const float* alpha, const float* a, const int* stride_a, const float* b, const int* stride_b,
                          const float* beta, float* c, const int* stride_c);
[[gnu::weak]] void cblas_gemm_bf16bf16f32(int layout, int transpose_a, int transpose_b, int m, int n, int k,
                                          float alpha, const uint16_t* a, int stride_a, const uint16_t* b, int stride_b,
                                          float beta, float* c, int stride_c);
}

namespace ttfm::nn {
namespace {

/// [rows, columns] as a tensor over the same memory.
template <class T>
Tensor view(const Matrix<T>& m, int64_t rows, int64_t columns, at::ScalarType type) {
  const std::vector<int64_t> strides =
      m.transposed ? std::vector<int64_t>{1, m.stride} : std::vector<int64_t>{m.stride, 1};
  // from_blob takes memory that may be written; operands are only read
  return at::from_blob(const_cast<std::remove_const_t<T>*>(m.data), {rows, columns}, strides,
                       at::TensorOptions().dtype(type));
}

TileMatrix for_tiles(Matrix<const float> m) {
  return m.transposed ? TileMatrix{m.data, 1, m.stride} : TileMatrix{m.data, m.stride, 1};
}

}  // namespace

void gemm(int64_t m, int64_t n, int64_t k, Matrix<const float> a, Matrix<const float> b, bool add, Matrix<float> c) {
  if (has_tiles()) {
    multiply_tiles(for_tiles(a), for_tiles(b), m, k, n, add, c.data, c.stride);
    return;
  }
  if (!a.transposed && !b.transposed) {
    at::native::cpublas::brgemm(m, n, k, a.stride, b.stride, c.stride, add, a.data, b.data, c.data);
    return;
  }
  const float alpha = 1, beta = add ? 1 : 0;
  if (!sgemm_) {
    Tensor out = view(c, m, n, at::kFloat);
    if (!add) out.zero_();  // what is there may be a NaN
    out.addmm_(view(a, m, k, at::kFloat), view(b, k, n, at::kFloat));
    return;
  }
  // BLAS counts columns first: C^T = B^T A^T
  const auto narrow = [](int64_t x) { return static_cast<int>(x); };
  const int rows = narrow(m), columns = narrow(n), depth = narrow(k);
  const int stride_a = narrow(a.stride), stride_b = narrow(b.stride), stride_c = narrow(c.stride);
  sgemm_(b.transposed ? "T" : "N", a.transposed ? "T" : "N", &columns, &rows, &depth, &alpha, b.data, &stride_b, a.data,
         &stride_a, &beta, c.data, &stride_c);
}

void gemm(int64_t m, int64_t n, int64_t k, Matrix<const kernels::Bf16> a, Matrix<const kernels::Bf16> b, bool add,
          Matrix<float> c) {
  const float alpha = 1, beta = add ? 1 : 0;
  if (!cblas_gemm_bf16bf16f32) {
    Tensor out = view(c, m, n, at::kFloat);
    if (!add) out.zero_();
    out.addmm_(view(a, m, k, at::kBFloat16).to(at::kFloat), view(b, k, n, at::kBFloat16).to(at::kFloat));
    return;
  }
  constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;
  const auto narrow = [](int64_t x) { return static_cast<int>(x); };
  const auto bits = [](const kernels::Bf16* p) { return reinterpret_cast<const uint16_t*>(p); };
  cblas_gemm_bf16bf16f32(kRowMajor, a.transposed ? kTransposed : kPlain, b.transposed ? kTransposed : kPlain, narrow(m),
                         narrow(n), narrow(k), alpha, bits(a.data), narrow(a.stride), bits(b.data), narrow(b.stride),
                         beta, c.data, narrow(c.stride));
}

}  // namespace ttfm::nn
