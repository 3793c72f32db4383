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
#include <tuple>

#include <ttfm/nn/dual.h>
#include <ttfm/parallel.h>

#include "nn/dual_buffer.h"
#include "nn/gemm.h"
#include "nn/packed_matrix.h"
#include "nn/tile_convolution.h"

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

StridedMatrix<float> matrix(const Tensor& x) { return {x.const_data_ptr<float>(), x.stride(0), x.stride(1)}; }

/// Whether gemm() takes a product of these two, [m, k] and [k, n]: floats that lie densely, and enough of them.
bool gemm_takes(const Tensor& a, const Tensor& b) {
  const auto dense = [](const Tensor& x) {
    return x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 2 && (x.stride(1) == 1 || x.stride(0) == 1);
  };
  constexpr int64_t kSmall = 16;
  return PackedMatrix::supported() && dense(a) && dense(b) && a.size(1) == b.size(0) &&
         std::min({a.size(0), a.size(1), b.size(1)}) >= kSmall;
}

/// c <- a b + onto; `onto` is undefined, a row or c itself.
void multiply_into(Tensor c, const Tensor& a, const Tensor& b, const Tensor& onto) {
  if (gemm_takes(a, b)) {
    RECORD_FUNCTION("ttfm::product", c10::ArrayRef<const c10::IValue>());
    if (onto.defined() && !onto.is_same(c)) c.copy_(onto.expand_as(c));
    gemm(a.size(0), b.size(1), a.size(1), matrix(a), matrix(b), /*add=*/onto.defined(), c.mutable_data_ptr<float>(),
         c.stride(0));
  } else if (onto.defined()) {
    at::addmm_out(c, onto, a, b);
  } else {
    at::mm_out(c, a, b);
  }
}

/// x m along the last dimension, and the bias to the primal.
Dual times(const Dual& x, const Tensor& m, const Tensor& bias) {
  auto shape = x.primal.sizes().vec();
  shape.back() = m.size(1);
  const Dual y = empty_dual(shape, x.primal.options(), x.tangent.defined());
  if (!bias.defined() && x.tangent.defined()) {
    if (const auto both = joined_view(x.primal, x.tangent)) {
      multiply_into(rows_of(*joined_view(y.primal, y.tangent)), rows_of(*both), m, {});
      return y;
    }
  }
  multiply_into(rows_of(y.primal), rows_of(x.primal), m, bias);
  if (x.tangent.defined()) multiply_into(rows_of(y.tangent), rows_of(x.tangent), m, {});
  return y;
}

float* row(const Tensor& x, int64_t i, int64_t columns) { return x.mutable_data_ptr<float>() + i * columns; }

/// Memory for a block of rows, and for one of tangents.
Tensor scratch_rows(const Tensor& like, int64_t columns, bool dual) {
  return at::empty({(dual ? 2 : 1) * PackedMatrix::kRows, columns}, like.options());
}

bool tiles_take(const Product& product, const Tensor& x, const Tensor& weight) {
  return tiles_take_convolution(x, weight, product.stride, product.padding);
}

Tensor convolve(const Product& product, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  // what does not fit together goes to LibTorch's convolution, which says so
  const bool fits =
      !bias.defined() || (bias.scalar_type() == at::kFloat && bias.dim() == 1 && bias.size(0) == weight.size(0));
  if (fits && tiles_take(product, x, weight)) return convolve_tiles(x, weight, bias);
  return at::convolution(x, weight, given(bias), {product.stride, product.stride}, {product.padding, product.padding},
                         {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1);
}

ProductGradients convolve_backward(const Product& product, const Dual& g, const Dual& x, const Tensor& weight,
                                   Wanted wanted) {
  const bool dual = g.tangent.defined();
  ProductGradients out;
  Tensor of_x;
  const Tensor outputs = stacked(g), inputs = stacked(x);
  // the bias belongs to the primal alone
  if (tiles_take(product, inputs, weight)) {
    if (wanted.x) of_x = convolve_tiles_gradient_of_x(outputs, weight);
    if (wanted.weight) out.weight = convolve_tiles_gradient_of_weight(outputs, inputs, weight.size(2));
  } else {
    std::tie(of_x, out.weight, out.bias) = at::convolution_backward(
        outputs, inputs, weight, at::IntArrayRef{weight.size(0)}, {product.stride, product.stride},
        {product.padding, product.padding}, {1, 1}, /*transposed=*/false, {0, 0},
        /*groups=*/1, {wanted.x, wanted.weight, wanted.bias && !dual});
  }
  if (wanted.x) out.x = unstacked(of_x, dual);
  if (wanted.bias && !out.bias.defined()) out.bias = g.primal.sum({0, 2, 3});
  return out;
}

Tensor weight_gradient(const Dual& g, const Dual& x) {
  const Tensor out = at::empty({g.primal.size(-1), x.primal.size(-1)}, g.primal.options());
  const auto add = [&](const Tensor& outputs, const Tensor& inputs, const Tensor& onto) {
    multiply_into(out, rows_of(outputs).t(), rows_of(inputs), onto);
  };
  if (!x.tangent.defined()) {
    add(g.primal, x.primal, {});
  } else if (const auto outputs = joined_view(g.primal, g.tangent), inputs = joined_view(x.primal, x.tangent);
             inputs && outputs) {
    add(*outputs, *inputs, {});
  } else {
    add(g.primal, x.primal, {});
    add(g.tangent, x.tangent, out);
  }
  return out;
}

}  // namespace

Dual multiply(const Product& product, const Dual& x, const Tensor& weight, const Tensor& bias) {
  if (product.kind == Product::Kind::linear) return times(x, weight.t(), bias);
  if (!x.tangent.defined()) return {convolve(product, x.primal, weight, bias), {}};
  const Dual y = unstacked(convolve(product, stacked(x), weight, {}), true);
  if (bias.defined()) y.primal.add_(bias.view({1, -1, 1, 1}));
  return y;
}

bool takes_blocks(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t k = x.size(-1);
  // what does not fit together goes to LibTorch's product, which says so
  const bool fits = weight.dim() == 2 && weight.size(1) == k && k > 0 &&
                    (!bias.defined() || (bias.scalar_type() == at::kFloat && bias.dim() == 1 &&
                                         bias.size(0) == weight.size(0) && bias.is_contiguous()));
  return fits && x.scalar_type() == at::kFloat && PackedMatrix::worth_it(weight, x.numel() / k);
}

Dual multiply(const RowFunction& f, const Tensor& weight, const Tensor& bias, const Dual& kept) {
  RECORD_FUNCTION("ttfm::product_of_rows", c10::ArrayRef<const c10::IValue>());
  const int64_t k = weight.size(1), n = weight.size(0);
  auto shape = f.x.sizes().vec();
  shape.back() = n;
  const Dual z = empty_dual(shape, weight.options(), f.dual);
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
