// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/product.h"

#include <ATen/Parallel.h>
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

#include "nn/convolution.h"
#include "nn/dual_buffer.h"
#include "nn/gemm.h"
#include "nn/loop_tensors.h"
#include "nn/packed_matrix.h"
#include "nn/weight_gradient.h"

namespace ttfm::nn {
namespace {

Tensor rows_of(const Tensor& x) { return x.reshape({-1, x.size(-1)}); }

// what does not fit together goes to LibTorch's products, which say so
bool fits_bias(const Tensor& bias, int64_t columns) {
  return !bias.defined() || (bias.is_cpu() && bias.is_floating_point() && bias.dim() == 1 && bias.size(0) == columns);
}
bool fits(const Tensor& x, const Tensor& m, const Tensor& bias) {
  return x.is_cpu() && m.dim() == 2 && m.size(0) == x.size(-1) && m.scalar_type() == x.scalar_type() &&
         fits_bias(bias, m.size(1));
}

/// [p; t] or p alone.
Tensor stacked(const Dual& x) { return x.tangent.defined() ? joined(x.primal, x.tangent) : x.primal; }

Dual unstacked(const Tensor& x, bool dual) {
  if (!dual) return {x, {}};
  const Halves halves = split(x);
  return {halves.primal, halves.tangent};
}

/// c <- a b + onto; `onto` is undefined, a row or c itself.
void multiply_into(Tensor c, const Tensor& a, const Tensor& b, const Tensor& onto) {
  if (onto.defined()) {
    at::addmm_out(c, onto, a, b);
  } else {
    at::mm_out(c, a, b);
  }
}

/// f(first, last) for rows that are multiplied by m, shared among threads.
template <class F>
void over_rows(int64_t rows, const Tensor& m, F&& f) {
  parallel_for(0, rows, PackedMatrix::rows_for_a_thread(m.size(0), m.size(1)), f);
}

template <class T>
T* row(const Tensor& x, int64_t i) {
  return x.defined() ? loop::out_of<T>(x) + i * x.size(-1) : nullptr;
}

/// y <- x m + bias for rows of `k` numbers that become rows of `n`; bias may be null.
template <class T>
void multiply_rows(const PackedMatrix& m, const T* x, int64_t k, int64_t rows, const float* bias, T* y, int64_t n) {
  m.multiply(StridedMatrix<T>{x, k, 1}, rows, bias, /*add=*/false, y, n);
}

/// x m along the last dimension, and the bias to the primal.
Dual times(const Dual& x, const Tensor& m, const Tensor& bias) {
  auto shape = x.primal.sizes().vec();
  shape.back() = m.size(1);
  const Dual y = empty_dual(shape, x.primal.options(), x.tangent.defined());
  const int64_t k = x.primal.size(-1), rows = k == 0 ? 0 : x.primal.numel() / k;
  if (fits(x.primal, m, bias) && PackedMatrix::worth_it(m, rows)) {
    RECORD_FUNCTION("ttfm::product", loop::kNothing);
    const Dual from = linear_map(x, [](const Tensor& a) { return a.contiguous(); });
    const PackedMatrix packed(m);
    const Tensor numbers = bias.defined() ? bias.to(at::kFloat).contiguous() : bias;
    loop::with_type(m.scalar_type(), [&](auto number) {
      using T = decltype(number);
      over_rows(rows, m, [&](int64_t first, int64_t last) {
        const auto multiply = [&](const Tensor& a, const Tensor& to, const float* onto) {
          multiply_rows(packed, row<T>(a, first), k, last - first, onto, row<T>(to, first), m.size(1));
        };
        multiply(from.primal, y.primal, loop::numbers(numbers));
        if (from.tangent.defined()) multiply(from.tangent, y.tangent, nullptr);
      });
    });
    return y;
  }
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

/// weight_gradient() by panels, for contiguous rows.
template <class T>
Tensor weight_gradient_by_panels(const Dual& g, const Dual& x) {
  constexpr int64_t kBlock = WeightGradient::kBlock;
  const int64_t out = g.primal.size(-1), in = x.primal.size(-1), all = g.primal.numel() / out;
  const int64_t parts = parts_for(all, all * (in + out));
  WeightGradient gradient(x.primal.scalar_type(), all, parts, out, in, x.tangent.defined());
  over_parts(all, gradient.step(1), parts, [&](int64_t part, int64_t first, int64_t last) {
    for (int64_t from = first; from < last; from += kBlock) {
      gradient.take<T>(part, from, std::min(kBlock, last - from), {row<T>(g.primal, from), row<T>(x.primal, from)},
                       {row<T>(g.tangent, from), row<T>(x.tangent, from)});
    }
  });
  return gradient.sum();
}

/// g^T x, [out, in], summed over the rows of primal and tangent.
Tensor weight_gradient(const Dual& g, const Dual& x) {
  const int64_t out = g.primal.size(-1), in = x.primal.size(-1);
  const auto type = x.primal.scalar_type();
  constexpr int64_t kSmall = 16;
  const Tensor a = rows_of(g.primal), b = rows_of(x.primal);
  if (PackedMatrix::supported(type) && a.is_cpu() && g.primal.scalar_type() == type && a.size(0) == b.size(0) &&
      std::min({a.size(0), out, in}) >= kSmall) {
    RECORD_FUNCTION("ttfm::weight_gradient", loop::kNothing);
    const auto contiguous = [](const Tensor& y) { return y.contiguous(); };
    const Dual outputs = linear_map(g, contiguous), inputs = linear_map(x, contiguous);
    Tensor sum;
    loop::with_type(type, [&](auto number) {
      using T = decltype(number);
      if (PackedMatrix::has_panels(type)) {
        sum = weight_gradient_by_panels<T>(outputs, inputs);
        return;
      }
      sum = at::empty({out, in}, x.primal.options().dtype(at::kFloat));
      const auto add = [&](const Tensor& left, const Tensor& right, bool onto) {
        gemm(out, in, a.size(0), StridedMatrix<T>{loop::in<T>(left), 1, out},
             StridedMatrix<T>{loop::in<T>(right), in, 1}, onto, loop::results(sum), in);
      };
      add(outputs.primal, inputs.primal, /*onto=*/false);
      if (inputs.tangent.defined()) add(outputs.tangent, inputs.tangent, /*onto=*/true);
    });
    return sum;
  }
  const Tensor sum = at::empty({out, in}, g.primal.options());
  const auto add = [&](const Tensor& outputs, const Tensor& inputs, const Tensor& onto) {
    multiply_into(sum, outputs.t(), inputs, onto);
  };
  if (!x.tangent.defined()) {
    add(a, b, {});
  } else if (const auto outputs = joined_view(g.primal, g.tangent), inputs = joined_view(x.primal, x.tangent);
             inputs && outputs) {
    add(rows_of(*outputs), rows_of(*inputs), {});
  } else {
    add(a, b, {});
    add(rows_of(g.tangent), rows_of(x.tangent), sum);
  }
  return sum;
}

/// Whether a convolution is a linear map of the pixels, of a kind that is worth packing.
bool is_linear(const Product& product, const Tensor& x, const Tensor& weight) {
  return product.stride == 1 && product.padding == 0 && x.dim() == 4 && weight.dim() == 4 && weight.size(2) == 1 &&
         weight.size(3) == 1 && x.size(1) == weight.size(1) && x.scalar_type() == weight.scalar_type() &&
         PackedMatrix::worth_it(weight.flatten(1), x.size(0) * x.size(2) * x.size(3));
}

/// Images [B, C, H, W] as pixels [B, H, W, C], and back.
Tensor pixels_of(const Tensor& images) {
  return images.contiguous(at::MemoryFormat::ChannelsLast).permute({0, 2, 3, 1});
}
Tensor images_of(const Tensor& pixels) { return pixels.permute({0, 3, 1, 2}); }

bool takes(const Product& product, const Tensor& x, const Tensor& weight) {
  return takes_convolution(x, weight, product.stride, product.padding);
}

Tensor convolve(const Product& product, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (fits_bias(bias, weight.size(0))) {
    if (is_linear(product, x, weight)) return images_of(times({pixels_of(x), {}}, weight.flatten(1).t(), bias).primal);
    if ((!bias.defined() || bias.scalar_type() == at::kFloat) && takes(product, x, weight))
      return nn::convolve(x, weight, bias);
  }
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
  if (is_linear(product, inputs, weight)) {
    const Dual pixels{pixels_of(outputs), {}};
    if (wanted.x) of_x = images_of(times(pixels, weight.flatten(1), {}).primal);
    if (wanted.weight) out.weight = weight_gradient(pixels, {pixels_of(inputs), {}}).view(weight.sizes());
  } else if (takes(product, inputs, weight)) {
    if (wanted.x) of_x = convolve_gradient_of_x(outputs, weight);
    if (wanted.weight) out.weight = convolve_gradient_of_weight(outputs, inputs, weight.size(2));
  } else {
    std::tie(of_x, out.weight, out.bias) = at::convolution_backward(
        outputs, inputs, weight, at::IntArrayRef{weight.size(0)}, {product.stride, product.stride},
        {product.padding, product.padding}, {1, 1}, /*transposed=*/false, {0, 0},
        /*groups=*/1, {wanted.x, wanted.weight, wanted.bias && !dual});
  }
  if (wanted.x) out.x = unstacked(of_x, dual);
  if (wanted.bias && !out.bias.defined()) {
    // the channels of a pixel lie side by side also in a part of an image's channels
    const Tensor pixels = g.primal.permute({0, 2, 3, 1});
    out.bias = pixels.stride(3) == 1 ? column_sums(rows_of(pixels)) : g.primal.sum({0, 2, 3});
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

bool takes_blocks(const Tensor& x, const Tensor& weight, const Tensor& bias, at::ScalarType type) {
  const int64_t k = x.size(-1);
  return weight.dim() == 2 && weight.size(1) == k && k > 0 && fits_bias(bias, weight.size(0)) &&
         PackedMatrix::supported(type) && PackedMatrix::worth_it(weight, x.numel() / k);
}

Dual multiply(const RowFunction& f, const Tensor& weight, const Tensor& bias) {
  RECORD_FUNCTION("ttfm::product_of_rows", loop::kNothing);
  const int64_t k = weight.size(1), n = weight.size(0);
  auto shape = f.x.sizes().vec();
  shape.back() = n;
  const Dual z = empty_dual(shape, weight.options(), f.dual);
  const PackedMatrix packed(weight.t());
  loop::with_type(f.type, [&](auto number) {
    using T = decltype(number);
    over_rows(f.x.numel() / k, weight, [&](int64_t first, int64_t last) {
      constexpr int64_t kBlock = PackedMatrix::kRows;
      Scratch memory;
      T* const y = memory.get<T>((f.dual ? 2 : 1) * kBlock * k);
      T* const dy = f.dual ? y + kBlock * k : nullptr;
      for (int64_t from = first; from < last; from += kBlock) {
        const int64_t rows = std::min(kBlock, last - from);
        f.evaluate(from, from + rows, y, dy);
        multiply_rows(packed, y, k, rows, loop::numbers(bias), row<T>(z.primal, from), n);
        if (f.dual) multiply_rows(packed, dy, k, rows, nullptr, row<T>(z.tangent, from), n);
      }
    });
  });
  return z;
}

RowProductGradients multiply_backward(const RowGradient& f, const Dual& given, const Tensor& weight, Wanted wanted) {
  RECORD_FUNCTION("ttfm::product_for_rows", loop::kNothing);
  const int64_t k = weight.size(1), n = weight.size(0);
  const auto type = weight.scalar_type();
  const Dual g = linear_map(given, [](const Tensor& a) { return a.contiguous(); });
  const bool dual = g.tangent.defined();
  const PackedMatrix packed(weight);
  // what the product took comes again block by block: it is laid out for the weight's gradient at once, or kept whole
  std::optional<WeightGradient> sum;
  Dual y;
  if (wanted.weight && PackedMatrix::has_panels(type)) {
    sum.emplace(type, f.rows, f.parts, n, k, dual);
  } else if (wanted.weight) {
    y = empty_dual({f.rows, k}, weight.options(), dual);
  }
  loop::with_type(type, [&](auto number) {
    using T = decltype(number);
    // of rows that come again a core's cache holds fewer beside the weight
    constexpr int64_t kFewer = 36;
    static_assert(kFewer % 2 == 0 && kFewer <= WeightGradient::kBlock);
    const int64_t block = sum ? kFewer : PackedMatrix::kRows, numbers = block * k;
    over_parts(f.rows, sum ? sum->step(f.together) : f.together, f.parts,
               [&](int64_t part, int64_t first, int64_t last) {
                 Scratch memory;
                 T* const g_y = memory.get<T>((dual ? 2 : 1) * (sum ? 2 : 1) * numbers);
                 T* const g_dy = dual ? g_y + numbers : nullptr;
                 T* const scratch = g_y + (dual ? 2 : 1) * numbers;
                 for (int64_t from = first; from < last; from += block) {
                   const int64_t rows = std::min(block, last - from);
                   T* const again = sum ? scratch : row<T>(y.primal, from);
                   T* const tangent_again = dual && sum ? scratch + numbers : row<T>(y.tangent, from);
                   const T *const g_z = row<T>(g.primal, from), *const g_dz = row<T>(g.tangent, from);
                   multiply_rows(packed, g_z, n, rows, nullptr, g_y, k);
                   if (dual) multiply_rows(packed, g_dz, n, rows, nullptr, g_dy, k);
                   f.take(part, from, from + rows, g_y, g_dy, again, tangent_again);
                   if (sum) sum->take<T>(part, from, rows, {g_z, again}, {g_dz, tangent_again});
                 }
               });
  });
  RowProductGradients out{f.sums(), {}, {}};
  if (wanted.weight) out.weight = sum ? sum->sum() : weight_gradient(g, y);
  if (wanted.bias) out.bias = column_sums(rows_of(g.primal));
  return out;
}

ProductGradients multiply_backward(const Product& product, const Dual& g, const Dual& x, const Tensor& weight,
                                   Wanted wanted) {
  if (product.kind == Product::Kind::conv2d) return convolve_backward(product, g, x, weight, wanted);
  ProductGradients out;
  if (wanted.x) out.x = times(g, weight, {});
  if (wanted.weight) out.weight = weight_gradient(g, x);
  if (wanted.bias) out.bias = column_sums(rows_of(g.primal));
  return out;
}

}  // namespace ttfm::nn
