// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/loops.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <utility>

#include "kernels/columns.h"
#include "kernels/layer_norm.h"
#include "nn/loop_tensors.h"

namespace ttfm::nn {

using namespace loop;

namespace {

constexpr int64_t kStatistics = sizeof(kernels::LayerNormStatistics) / sizeof(float);

template <class T>
kernels::ActivationRows<T> activation_rows(kernels::Activation kind, const Dual& z, const Tensor& bias) {
  kernels::ActivationRows<T> rows;
  rows.columns = z.primal.size(-1);
  rows.rows = z.primal.numel() / rows.columns;
  rows.kind = kind;
  rows.z = in<T>(z.primal);
  rows.dz = in<T>(z.tangent);
  rows.bias = numbers(bias);
  return rows;
}

template <class X, class Y>
kernels::LayerNormRows<X, Y> layer_norm_rows(const Dual& x, const Aligned& p, double eps, const Tensor& statistics) {
  kernels::LayerNormRows<X, Y> rows;
  rows.columns = x.primal.size(-1);
  rows.rows = x.primal.numel() / rows.columns;
  rows.rows_per_sample = rows.rows / x.primal.size(0);
  rows.eps = eps;
  rows.x = in<X>(x.primal);
  rows.dx = in<X>(x.tangent);
  rows.statistics = out_of<kernels::LayerNormStatistics>(statistics);
  take_affine(rows, p);
  return rows;
}

}  // namespace

int64_t parts_for(int64_t samples, int64_t numbers) {
  return std::clamp<int64_t>(numbers / kWorthAThread, 1, std::min<int64_t>(samples, at::get_num_threads()));
}

bool loops_take(const Tensor& x) { return x.is_cpu() && is_number(x.scalar_type()) && x.dim() > 1 && x.numel() > 0; }

bool loops_take_image(const Tensor& x) {
  return loops_take(x) && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

bool is_row_for(const Tensor& bias, const Tensor& x) {
  return !bias.defined() || (bias.is_cpu() && bias.dim() == 1 && bias.size(0) == x.size(-1));
}

Tensor as_row(const Tensor& bias) { return bias.defined() ? bias.to(at::kFloat).contiguous() : bias; }

Tensor column_sums(const Tensor& x) {
  if (!loops_take(x) || x.stride(1) != 1) return x.sum(0);
  RECORD_FUNCTION("ttfm::column_sums", kNothing);
  const int64_t rows = x.size(0), columns = x.size(1);
  const Tensor sums = at::empty({columns}, x.options().dtype(at::kFloat));
  with_type(x.scalar_type(), [&](auto number) {
    using T = decltype(number);
    // each thread has columns of its own, cache lines of sums, so that the order does not depend on how many there are
    constexpr int64_t kLine = 16;
    parallel_for(0, (columns + kLine - 1) / kLine, std::max<int64_t>(1, kWorthAThread / (rows * kLine)),
                 [&](int64_t from, int64_t to) {
                   const int64_t first = from * kLine, count = std::min(columns, to * kLine) - first;
                   kernels::dispatch<kernels::ColumnLoops>([&](auto loops) {
                     loops.sum(in<T>(x) + first, x.stride(0), rows, count, results(sums) + first);
                   });
                 });
  });
  return sums;
}

RowFunction activation_function(kernels::Activation kind, const Dual& z, const Tensor& bias) {
  RowFunction out{"ttfm::activation_forward", z.primal, z.tangent.defined(), z.primal.scalar_type(), {}};
  with_type(out.type, [&](auto number) {
    using T = decltype(number);
    out.evaluate = [rows = activation_rows<T>(kind, z, bias)](int64_t from, int64_t to, void* y, void* dy) {
      auto own = rows;
      own.y = static_cast<T*>(y);
      own.dy = static_cast<T*>(dy);
      kernels::dispatch<kernels::ActivationLoops>([&](auto loops) { loops.forward(own, from, to); });
    };
  });
  return out;
}

RowGradient activation_gradient(kernels::Activation kind, const Dual& z, const Tensor& bias, bool of_bias) {
  const int64_t columns = z.primal.size(-1), all = z.primal.numel() / columns, parts = parts_for(all, z.primal.numel());
  RowGradient out{"ttfm::activation_backward", all, /*together=*/1, parts, {}, {}};
  const Tensor g_bias = of_bias && bias.defined() ? at::zeros({parts, columns}, bias.options()) : Tensor();
  const Dual g_z = empty_value(z);
  with_type(z.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    auto rows = activation_rows<T>(kind, z, bias);
    rows.g_z = out_of<T>(g_z.primal);
    rows.g_dz = out_of<T>(g_z.tangent);
    out.take = [=](int64_t part, int64_t from, int64_t to, const void* g, const void* h, void* y, void* dy) {
      auto own = rows;
      own.y = static_cast<T*>(y);
      own.dy = static_cast<T*>(dy);
      own.g = static_cast<const T*>(g);
      own.h = static_cast<const T*>(h);
      if (g_bias.defined()) own.g_bias = results(g_bias) + part * own.columns;
      kernels::dispatch<kernels::ActivationLoops>([&](auto loops) { loops.backward(own, from, to); });
    };
  });
  out.sums = [=] { return NormGradients{g_z, {{}, g_bias.defined() ? g_bias.sum(0) : Tensor(), {}, {}}}; };
  return out;
}

RowFunction layer_norm_function(const Dual& x, const Affine& affine, double eps, at::ScalarType type,
                                Tensor& statistics) {
  RowFunction out{"ttfm::layer_norm_forward", x.primal, x.tangent.defined() || affine.da.defined(), type, {}};
  const bool known = statistics.defined();
  if (!known) {
    const int64_t rows = x.primal.numel() / x.primal.size(-1);
    statistics = at::empty({rows, kStatistics}, x.primal.options().dtype(at::kFloat));
  }
  const Aligned p = aligned(affine, x.primal, x.primal.size(-1));
  with_types(x.primal.scalar_type(), type, [&](auto from_type, auto to_type) {
    using Y = decltype(to_type);
    auto rows = layer_norm_rows<decltype(from_type), Y>(x, p, eps, statistics);
    rows.known = known;
    // held: the affine part may be a copy that was made for this function
    out.evaluate = [rows, held = std::pair(p, statistics)](int64_t from, int64_t to, void* z, void* dz) {
      auto own = rows;
      own.z = static_cast<Y*>(z);
      own.dz = static_cast<Y*>(dz);
      kernels::dispatch<kernels::LayerNormLoops>([&](auto loops) { loops.forward(own, from, to); });
    };
  });
  return out;
}

RowGradient layer_norm_gradient(const Dual& x, const Affine& affine, double eps, at::ScalarType type,
                                const Tensor& statistics, bool of_affine) {
  const int64_t samples = x.primal.size(0), columns = x.primal.size(-1), all = x.primal.numel() / columns;
  const int64_t together = of_affine ? all / samples : 1;
  RowGradient out{"ttfm::layer_norm_backward", all, together, parts_for(all / together, x.primal.numel()), {}, {}};
  const Aligned p = aligned(affine, x.primal, columns);
  const Dual g_x = empty_value(x);
  const AffineGradients sums = of_affine ? empty_sums(affine, samples, columns) : AffineGradients();
  with_types(x.primal.scalar_type(), type, [&](auto from_type, auto to_type) {
    using X = decltype(from_type);
    using Y = decltype(to_type);
    auto rows = layer_norm_rows<X, Y>(x, p, eps, statistics);
    rows.g_x = out_of<X>(g_x.primal);
    rows.g_dx = out_of<X>(g_x.tangent);
    give_sums(rows, sums);
    out.take = [rows, held = std::pair(p, statistics)](int64_t, int64_t from, int64_t to, const void* g, const void* h,
                                                       void* z, void* dz) {
      auto own = rows;
      own.z = static_cast<Y*>(z);
      own.dz = static_cast<Y*>(dz);
      own.g = static_cast<const Y*>(g);
      own.h = static_cast<const Y*>(h);
      kernels::dispatch<kernels::LayerNormLoops>([&](auto loops) { loops.backward(own, from, to); });
    };
  });
  out.sums = [=] { return NormGradients{g_x, gathered(sums, affine)}; };
  return out;
}

Dual evaluated(const RowFunction& f) {
  RECORD_FUNCTION(f.name, kNothing);
  const Dual y = empty_value(f.x, f.dual, f.type);
  const int64_t columns = f.x.size(-1), row_bytes = columns * static_cast<int64_t>(c10::elementSize(f.type));
  const auto row = [row_bytes](const Tensor& of, int64_t i) {
    return of.defined() ? static_cast<char*>(of.mutable_data_ptr()) + i * row_bytes : nullptr;
  };
  parallel_for(0, f.x.numel() / columns, std::max<int64_t>(1, kWorthAThread / columns),
               [&](int64_t from, int64_t to) { f.evaluate(from, to, row(y.primal, from), row(y.tangent, from)); });
  return y;
}

NormGradients gradients(const RowGradient& f, const Dual& g) {
  RECORD_FUNCTION(f.name, kNothing);
  const int64_t row_bytes = g.primal.size(-1) * static_cast<int64_t>(g.primal.element_size());
  const auto row = [row_bytes](const Tensor& of, int64_t i) {
    return of.defined() ? static_cast<const char*>(of.const_data_ptr()) + i * row_bytes : nullptr;
  };
  over_parts(f.rows, f.together, f.parts, [&](int64_t part, int64_t from, int64_t to) {
    f.take(part, from, to, row(g.primal, from), row(g.tangent, from), nullptr, nullptr);
  });
  return f.sums();
}

}  // namespace ttfm::nn
