// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/product.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include <ttfm/nn/dual.h>
#include <ttfm/parallel.h>

#include "nn/dual_buffer.h"
#include "nn/packed_matrix.h"

namespace ttfm::nn {
namespace {

Tensor rows_of(const Tensor& x) { return x.reshape({-1, x.size(-1)}); }

/// [p; t] or p alone.
Tensor stacked(const Dual& x) { return x.tangent.defined() ? joined(x.primal, x.tangent) : x.primal; }

Dual unstacked(const Tensor& x, bool dual) {
  if (!dual) return {x, {}};
  const Halves halves = split(x);
  return {halves.primal, halves.tangent};
}

/// A value of `shape` with or without a tangent, in the type of `like`.
Dual empty_value(const Tensor& like, at::IntArrayRef shape, bool dual) {
  if (!dual) return {at::empty(shape, like.options()), {}};
  auto both = shape.vec();
  both[0] *= 2;
  return unstacked(at::empty(both, like.options()), true);
}

/// Whether x [..., k] m + bias can go by a PackedMatrix and is worth it. What does not fit together cannot: LibTorch's
/// product says so.
bool in_blocks(const Tensor& x, const Tensor& m, const Tensor& bias) {
  const int64_t k = x.size(-1);
  const bool fits = x.scalar_type() == at::kFloat && k == m.size(0) && k > 0 &&
                    (!bias.defined() ||
                     (bias.scalar_type() == at::kFloat && bias.sizes() == m.sizes().slice(1) && bias.is_contiguous()));
  return fits && PackedMatrix::worth_it(m, x.numel() / k);
}

/// y <- x m + bias, rows of matrices; bias may be undefined.
void times(const Tensor& x, const Tensor& m, const Tensor& bias, const std::optional<PackedMatrix>& packed,
           const Tensor& y) {
  if (!packed) {
    Tensor out = y;
    if (bias.defined()) {
      at::addmm_out(out, bias, x, m);
    } else {
      at::mm_out(out, x, m);
    }
    return;
  }
  RECORD_FUNCTION("ttfm::product", c10::ArrayRef<const c10::IValue>());
  const Tensor rows = x.stride(1) == 1 ? x : x.contiguous();
  parallel_for(0, x.size(0), PackedMatrix::rows_for_a_thread(m.size(0), m.size(1)), [&](int64_t from, int64_t to) {
    packed->multiply(rows.const_data_ptr<float>() + from * rows.stride(0), rows.stride(0), to - from,
                     y.mutable_data_ptr<float>() + from * y.stride(0), y.stride(0),
                     bias.defined() ? bias.const_data_ptr<float>() : nullptr);
  });
}

/// x m along the last dimension, and the bias to the primal.
Dual times(const Dual& x, const Tensor& m, const Tensor& bias) {
  auto shape = x.primal.sizes().vec();
  shape.back() = m.size(1);
  const bool dual = x.tangent.defined();
  const Dual y = empty_value(x.primal, shape, dual);
  const auto packed = in_blocks(x.primal, m, bias) ? std::optional<PackedMatrix>(m) : std::nullopt;
  const auto both = dual && !bias.defined() ? joined_view(x.primal, x.tangent) : std::nullopt;
  if (both) {
    times(rows_of(*both), m, {}, packed, rows_of(*joined_view(y.primal, y.tangent)));
    return y;
  }
  times(rows_of(x.primal), m, bias, packed, rows_of(y.primal));
  if (dual) times(rows_of(x.tangent), m, {}, packed, rows_of(y.tangent));
  return y;
}

float* row(const Tensor& x, int64_t i, int64_t columns) { return x.mutable_data_ptr<float>() + i * columns; }

/// Memory for a block of rows, and for one of tangents.
Tensor scratch_rows(const Tensor& like, int64_t columns, bool dual) {
  return at::empty({(dual ? 2 : 1) * PackedMatrix::kRows, columns}, like.options());
}

Tensor convolve(const Product& product, const Tensor& x, const Tensor& weight, const std::optional<Tensor>& bias) {
  return at::convolution(x, weight, bias, {product.stride, product.stride}, {product.padding, product.padding}, {1, 1},
                         /*transposed=*/false, {0, 0}, /*groups=*/1);
}

ProductGradients convolve_backward(const Product& product, const Dual& g, const Dual& x, const Tensor& weight,
                                   Wanted wanted) {
  const bool dual = g.tangent.defined();
  ProductGradients out;
  Tensor of_x;
  // the bias belongs to the primal alone
  std::tie(of_x, out.weight, out.bias) = at::convolution_backward(
      stacked(g), stacked(x), weight, at::IntArrayRef{weight.size(0)}, {product.stride, product.stride},
      {product.padding, product.padding}, {1, 1}, /*transposed=*/false, {0, 0},
      /*groups=*/1, {wanted.x, wanted.weight, wanted.bias && !dual});
  if (wanted.x) out.x = unstacked(of_x, dual);
  if (wanted.bias && dual) out.bias = g.primal.sum({0, 2, 3});
  return out;
}

Tensor weight_gradient(const Dual& g, const Dual& x) {
  if (!x.tangent.defined()) return at::mm(rows_of(g.primal).t(), rows_of(x.primal));
  const auto inputs = joined_view(x.primal, x.tangent), outputs = joined_view(g.primal, g.tangent);
  if (inputs && outputs) return at::mm(rows_of(*outputs).t(), rows_of(*inputs));
  return at::mm(rows_of(g.primal).t(), rows_of(x.primal)).addmm_(rows_of(g.tangent).t(), rows_of(x.tangent));
}

}  // namespace

Dual multiply(const Product& product, const Dual& x, const Tensor& weight, const Tensor& bias) {
  if (product.kind == Product::Kind::linear) return times(x, weight.t(), bias);
  if (!x.tangent.defined()) return {convolve(product, x.primal, weight, given(bias)), {}};
  const Dual y = unstacked(convolve(product, stacked(x), weight, std::nullopt), true);
  if (bias.defined()) y.primal.add_(bias.view({1, -1, 1, 1}));
  return y;
}

bool takes_blocks(const Tensor& x, const Tensor& weight, const Tensor& bias) { return in_blocks(x, weight.t(), bias); }

Dual multiply(const RowFunction& f, const Tensor& weight, const Tensor& bias, const Dual& kept) {
  RECORD_FUNCTION("ttfm::product_of_rows", c10::ArrayRef<const c10::IValue>());
  const int64_t k = weight.size(1), n = weight.size(0);
  auto shape = f.x.sizes().vec();
  shape.back() = n;
  const Dual z = empty_value(weight, shape, f.dual);
  const PackedMatrix packed(weight.t());
  parallel_for(0, f.x.numel() / k, PackedMatrix::rows_for_a_thread(k, n), [&](int64_t first, int64_t last) {
    const Tensor scratch = kept.primal.defined() ? Tensor() : scratch_rows(weight, k, f.dual);
    for (int64_t from = first; from < last; from += PackedMatrix::kRows) {
      const int64_t rows = std::min(PackedMatrix::kRows, last - from);
      float* const y = scratch.defined() ? row(scratch, 0, k) : row(kept.primal, from, k);
      float* const dy = !f.dual             ? nullptr
                        : scratch.defined() ? row(scratch, PackedMatrix::kRows, k)
                                            : row(kept.tangent, from, k);
      f.evaluate(from, from + rows, y, dy);
      packed.multiply(y, k, rows, row(z.primal, from, n), n, bias.defined() ? bias.const_data_ptr<float>() : nullptr);
      if (f.dual) packed.multiply(dy, k, rows, row(z.tangent, from, n), n, nullptr);
    }
  });
  return z;
}

NormGradients multiply_backward(const RowGradient& f, const Dual& given, const Tensor& weight) {
  RECORD_FUNCTION("ttfm::product_for_rows", c10::ArrayRef<const c10::IValue>());
  const int64_t k = weight.size(1), n = weight.size(0);
  const Dual g = linear_map(given, [](const Tensor& a) { return a.contiguous(); });
  const bool dual = g.tangent.defined();
  const PackedMatrix packed(weight);
  over_parts(f, [&](int64_t part, int64_t first, int64_t last) {
    const Tensor scratch = scratch_rows(weight, k, dual);
    float* const g_y = row(scratch, 0, k);
    float* const g_dy = dual ? row(scratch, PackedMatrix::kRows, k) : nullptr;
    for (int64_t from = first; from < last; from += PackedMatrix::kRows) {
      const int64_t rows = std::min(PackedMatrix::kRows, last - from);
      packed.multiply(row(g.primal, from, n), n, rows, g_y, k, nullptr);
      if (dual) packed.multiply(row(g.tangent, from, n), n, rows, g_dy, k, nullptr);
      f.take(part, from, from + rows, g_y, g_dy);
    }
  });
  return f.sums();
}

ProductGradients multiply_backward(const Product& product, const Dual& g, const Dual& x, const Tensor& weight,
                                   Wanted wanted) {
  if (product.kind == Product::Kind::conv2d) return convolve_backward(product, g, x, weight, wanted);
  ProductGradients out;
  if (wanted.x) out.x = times(g, weight, {});
  if (wanted.weight) out.weight = weight_gradient(g, x);
  if (wanted.bias) out.bias = rows_of(g.primal).sum(0);
  return out;
}

}  // namespace ttfm::nn
