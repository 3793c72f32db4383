// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/loops.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>

#include "kernels/gate.h"
#include "kernels/group_norm.h"
#include "kernels/layer_norm.h"
#include "nn/dual_buffer.h"

namespace ttfm::nn {
namespace {

using kernels::Bf16;

const c10::ArrayRef<const c10::IValue> kNothing;  // of what a profiler is told

bool is_number(at::ScalarType type) { return type == at::kFloat || type == at::kBFloat16; }

template <class T>
const T* in(const Tensor& x) {
  return x.defined() ? static_cast<const T*>(x.const_data_ptr()) : nullptr;
}
template <class T>
T* out(const Tensor& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}
const float* numbers(const Tensor& x) { return in<float>(x); }
float* results(const Tensor& x) { return out<float>(x); }

/// f(float()) or f(Bf16()).
template <class F>
void with_type(at::ScalarType type, F&& f) {
  if (type == at::kBFloat16)
    f(Bf16());
  else
    f(float());
}

/// The type pairs that a row can come in and leave with: (float, float), (float, Bf16), (Bf16, Bf16).
template <class F>
void with_types(at::ScalarType x, at::ScalarType y, F&& f) {
  if (x == at::kBFloat16)
    f(Bf16(), Bf16());
  else if (y == at::kBFloat16)
    f(float(), Bf16());
  else
    f(float(), float());
}

Tensor like(const Tensor& x, at::ScalarType type) {
  return at::empty(x.sizes(), x.options().dtype(type), x.suggest_memory_format());
}

/// A new value in the shape of x, with or without a tangent.
Dual empty_value(const Tensor& x, bool dual, at::ScalarType type) {
  if (!dual) return {like(x, type), {}};
  auto shape = x.sizes().vec();
  shape[0] *= 2;
  const Halves halves = split(at::empty(shape, x.options().dtype(type), x.suggest_memory_format()));
  return {halves.primal, halves.tangent};
}
Dual empty_value(const Dual& x) { return empty_value(x.primal, x.tangent.defined(), x.primal.scalar_type()); }

Tensor rows_for(const Tensor& parameter, int64_t samples, int64_t columns) {
  return parameter.defined() ? at::zeros({samples, columns}, parameter.options()) : Tensor();
}

/// The sum over samples where the parameter is shared by them.
Tensor gathered(const Tensor& rows, const Tensor& parameter) {
  if (!rows.defined()) return {};
  return rows.sizes() == parameter.sizes() ? rows : rows.sum_to_size(parameter.sizes());
}

/// The distance between the samples of a parameter [B, C], 0 for [C].
int64_t stride_of(const Tensor& parameter) {
  return parameter.defined() && parameter.dim() > 1 && parameter.size(0) > 1 ? parameter.stride(0) : 0;
}

/// An affine part whose rows lie `stride` apart.
struct Aligned {
  Affine affine;
  int64_t stride;
};

Aligned aligned(const Affine& given, const Tensor& x, int64_t columns) {
  if (!given.a.defined()) return {given, 0};
  Affine p = given;
  const auto rows = [&](Tensor& each) {
    if (!each.defined()) return;
    each = (each.dim() > 1 && each.size(0) == x.size(0) ? each : each.expand({x.size(0), columns})).contiguous();
  };
  const int64_t stride = stride_of(p.a);
  const bool alike =
      stride_of(p.b) == stride && (!p.da.defined() || (stride_of(p.da) == stride && stride_of(p.db) == stride));
  if (alike && p.a.stride(-1) == 1 && p.b.stride(-1) == 1) return {p, stride};
  rows(p.a);
  rows(p.b);
  rows(p.da);
  rows(p.db);
  return {p, columns};
}

constexpr int64_t kWorthAThread = 1 << 15;  // numbers

/// f(from, to) for the samples of x, shared among threads.
template <class F>
void over_samples(const Tensor& x, F&& f) {
  const int64_t samples = x.size(0);
  at::parallel_for(0, samples, std::max<int64_t>(1, kWorthAThread * samples / x.numel()), f);
}

template <class Norm>
void take_affine(Norm& norm, const Aligned& p) {
  norm.a = numbers(p.affine.a);
  norm.b = numbers(p.affine.b);
  norm.da = numbers(p.affine.da);
  norm.db = numbers(p.affine.db);
  norm.stride = p.stride;
}

template <class Norm>
void give_sums(Norm& norm, const AffineGradients& sums) {
  norm.g_a = results(sums.a);
  norm.g_b = results(sums.b);
  norm.g_da = results(sums.da);
  norm.g_db = results(sums.db);
}

/// Of an affine part, a row for each sample.
AffineGradients empty_sums(const Affine& affine, int64_t samples, int64_t columns) {
  return {rows_for(affine.a, samples, columns), rows_for(affine.b, samples, columns),
          rows_for(affine.da, samples, columns), rows_for(affine.db, samples, columns)};
}

/// In the shape of what they belong to.
AffineGradients gathered(const AffineGradients& sums, const Affine& affine) {
  return {gathered(sums.a, affine.a), gathered(sums.b, affine.b), gathered(sums.da, affine.da),
          gathered(sums.db, affine.db)};
}

template <class X, class Y>
kernels::LayerNormRows<X, Y> layer_norm_rows(const Dual& x, const Aligned& p, double eps) {
  kernels::LayerNormRows<X, Y> rows;
  rows.columns = x.primal.size(-1);
  rows.rows = x.primal.numel() / rows.columns;
  rows.rows_per_sample = rows.rows / x.primal.size(0);
  rows.eps = eps;
  rows.x = in<X>(x.primal);
  rows.dx = in<X>(x.tangent);
  take_affine(rows, p);
  return rows;
}

template <class T>
kernels::GroupNormImages<T> group_norm_images(const Dual& x, const Aligned& p, const GroupNormKind& kind) {
  kernels::GroupNormImages<T> images;
  images.channels = x.primal.size(1);
  images.positions = x.primal.size(2) * x.primal.size(3);
  images.groups = kind.groups;
  images.eps = kind.eps;
  images.activation = kind.activation;
  images.x = in<T>(x.primal);
  images.dx = in<T>(x.tangent);
  take_affine(images, p);
  return images;
}

/// Runs the loops over the samples with a workspace for each thread.
template <class T, class F>
void over_images(const kernels::GroupNormImages<T>& images, const Tensor& x, F&& f) {
  over_samples(x, [&](int64_t from, int64_t to) {
    std::vector<float> workspace(static_cast<size_t>(kernels::group_norm_workspace(images.channels)));
    auto own = images;
    own.workspace = workspace.data();
    f(own, from, to);
  });
}

template <class T>
kernels::ActivationRows<T> activation_rows(kernels::Activation kind, const Dual& z, const Tensor& bias) {
  kernels::ActivationRows<T> rows;
  rows.columns = z.primal.size(-1);
  rows.rows = z.primal.numel() / std::max<int64_t>(1, rows.columns);
  rows.kind = kind;
  rows.z = in<T>(z.primal);
  rows.dz = in<T>(z.tangent);
  rows.bias = numbers(bias);
  return rows;
}

/// f(part, from, to) for as many parts of `rows` as there are threads.
template <class F>
void over_parts(int64_t rows, int64_t parts, F&& f) {
  at::parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) f(part, rows * part / parts, rows * (part + 1) / parts);
  });
}

int64_t part_count(int64_t rows, int64_t columns) {
  return std::clamp<int64_t>(rows * columns / kWorthAThread, 1, at::get_num_threads());
}

template <class X, class Y>
kernels::GateRows<X, Y> gate_rows(const Tensor& x, const Dual& gate, const Dual& y, const Tensor& bias) {
  kernels::GateRows<X, Y> rows;
  rows.columns = y.primal.size(-1);
  rows.rows_per_sample = y.primal.numel() / (rows.columns * y.primal.size(0));
  rows.x = in<X>(x);
  rows.y = in<Y>(y.primal);
  rows.dy = in<Y>(y.tangent);
  rows.bias = numbers(bias);
  rows.gate = numbers(gate.primal);
  rows.dgate = numbers(gate.tangent);
  rows.stride = gate.primal.stride(0);
  return rows;
}

Tensor bias_or_zeros(const Tensor& bias, const Tensor& y) {
  return bias.defined() ? bias : at::zeros({y.size(-1)}, y.options().dtype(at::kFloat));
}

/// Gates whose rows lie alike.
Dual aligned_gate(const Dual& gate) {
  Dual own{gate.primal.stride(-1) == 1 ? gate.primal : gate.primal.contiguous(), gate.tangent};
  if (own.tangent.defined() && own.tangent.strides() != own.primal.strides()) {
    own = {own.primal.contiguous(), own.tangent.contiguous()};
  }
  return own;
}

}  // namespace

bool loops_take(const Tensor& x) { return x.is_cpu() && is_number(x.scalar_type()) && x.dim() > 1 && x.numel() > 0; }

bool loops_take_image(const Tensor& x) {
  return loops_take(x) && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

Dual activation_forward(kernels::Activation kind, const Dual& z, const Tensor& bias) {
  RECORD_FUNCTION("ttfm::activation_forward", kNothing);
  const Dual y = empty_value(z);
  with_type(z.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    auto rows = activation_rows<T>(kind, z, bias);
    rows.y = out<T>(y.primal);
    rows.dy = out<T>(y.tangent);
    over_parts(rows.rows, part_count(rows.rows, rows.columns), [&](int64_t, int64_t from, int64_t to) {
      kernels::dispatch<kernels::ActivationLoops>([&](auto loops) { loops.forward(rows, from, to); });
    });
  });
  return y;
}

ActivationGradients activation_backward(kernels::Activation kind, const Dual& z, const Tensor& bias, const Dual& g) {
  RECORD_FUNCTION("ttfm::activation_backward", kNothing);
  const Dual g_z = empty_value(z);
  Tensor g_bias;
  with_type(z.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    auto rows = activation_rows<T>(kind, z, bias);
    rows.g = in<T>(g.primal);
    rows.h = in<T>(g.tangent);
    rows.g_z = out<T>(g_z.primal);
    rows.g_dz = out<T>(g_z.tangent);
    const int64_t parts = part_count(rows.rows, rows.columns);
    if (bias.defined()) g_bias = at::zeros({parts, rows.columns}, bias.options());
    over_parts(rows.rows, parts, [&](int64_t part, int64_t from, int64_t to) {
      auto own = rows;
      if (g_bias.defined()) own.g_bias = results(g_bias) + part * rows.columns;
      kernels::dispatch<kernels::ActivationLoops>([&](auto loops) { loops.backward(own, from, to); });
    });
  });
  return {g_z, g_bias.defined() ? g_bias.sum(0) : Tensor()};
}

Dual layer_norm_forward(const Dual& x, const Affine& affine, double eps, at::ScalarType type) {
  RECORD_FUNCTION("ttfm::layer_norm_forward", kNothing);
  const Aligned p = aligned(affine, x.primal, x.primal.size(-1));
  const Dual z = empty_value(x.primal, x.tangent.defined() || affine.da.defined(), type);
  with_types(x.primal.scalar_type(), type, [&](auto from_type, auto to_type) {
    using X = decltype(from_type);
    using Y = decltype(to_type);
    auto rows = layer_norm_rows<X, Y>(x, p, eps);
    rows.z = out<Y>(z.primal);
    rows.dz = out<Y>(z.tangent);
    over_samples(x.primal, [&](int64_t from, int64_t to) {
      kernels::dispatch<kernels::LayerNormLoops>([&](auto loops) { loops.forward(rows, from, to); });
    });
  });
  return z;
}

NormGradients layer_norm_backward(const Dual& x, const Affine& affine, double eps, const Dual& g) {
  RECORD_FUNCTION("ttfm::layer_norm_backward", kNothing);
  const int64_t samples = x.primal.size(0), columns = x.primal.size(-1);
  const Aligned p = aligned(affine, x.primal, columns);
  const Dual g_x = empty_value(x);
  const AffineGradients sums = empty_sums(affine, samples, columns);
  with_types(x.primal.scalar_type(), g.primal.scalar_type(), [&](auto from_type, auto to_type) {
    using X = decltype(from_type);
    using Y = decltype(to_type);
    auto rows = layer_norm_rows<X, Y>(x, p, eps);
    rows.g = in<Y>(g.primal);
    rows.h = in<Y>(g.tangent);
    rows.g_x = out<X>(g_x.primal);
    rows.g_dx = out<X>(g_x.tangent);
    give_sums(rows, sums);
    over_samples(x.primal, [&](int64_t from, int64_t to) {
      kernels::dispatch<kernels::LayerNormLoops>([&](auto loops) { loops.backward(rows, from, to); });
    });
  });
  return {g_x, gathered(sums, affine)};
}

Dual group_norm_forward(const Dual& x, const Affine& affine, const GroupNormKind& kind, Tensor& statistics) {
  RECORD_FUNCTION("ttfm::group_norm_forward", kNothing);
  const bool known = statistics.defined();
  if (!known) statistics = at::empty({x.primal.size(0), 4, x.primal.size(1)}, x.primal.options().dtype(at::kFloat));
  const Aligned p = aligned(affine, x.primal, x.primal.size(1));
  const Dual y = empty_value(x.primal, x.tangent.defined() || affine.da.defined(), x.primal.scalar_type());
  with_type(x.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    auto images = group_norm_images<T>(x, p, kind);
    images.y = out<T>(y.primal);
    images.dy = out<T>(y.tangent);
    images.statistics = results(statistics);
    images.known = known;
    over_images(images, x.primal, [](const auto& own, int64_t from, int64_t to) {
      kernels::dispatch<kernels::GroupNormLoops>([&](auto loops) { loops.forward(own, from, to); });
    });
  });
  return y;
}

NormGradients group_norm_backward(const Dual& x, const Affine& affine, const GroupNormKind& kind,
                                  const Tensor& statistics, const Dual& g) {
  RECORD_FUNCTION("ttfm::group_norm_backward", kNothing);
  const int64_t samples = x.primal.size(0), channels = x.primal.size(1);
  const Aligned p = aligned(affine, x.primal, channels);
  const Dual g_x = empty_value(x);
  const AffineGradients sums = empty_sums(affine, samples, channels);
  with_type(x.primal.scalar_type(), [&](auto number) {
    using T = decltype(number);
    auto images = group_norm_images<T>(x, p, kind);
    images.g = in<T>(g.primal);
    images.h = in<T>(g.tangent);
    images.g_x = out<T>(g_x.primal);
    images.g_dx = out<T>(g_x.tangent);
    images.statistics = results(statistics);
    images.known = true;
    give_sums(images, sums);
    over_images(images, x.primal, [](const auto& own, int64_t from, int64_t to) {
      kernels::dispatch<kernels::GroupNormLoops>([&](auto loops) { loops.backward(own, from, to); });
    });
  });
  return {g_x, gathered(sums, affine)};
}

Dual gate_forward(const Dual& x, const Dual& gate, const Dual& y, const Tensor& bias) {
  RECORD_FUNCTION("ttfm::gate_forward", kNothing);
  const Tensor whole_bias = bias_or_zeros(bias, y.primal);
  const Dual own_gate = aligned_gate(gate);
  const Dual sum = empty_value(x.primal, y.tangent.defined(), x.primal.scalar_type());
  with_types(x.primal.scalar_type(), y.primal.scalar_type(), [&](auto x_type, auto y_type) {
    using X = decltype(x_type);
    auto rows = gate_rows<X, decltype(y_type)>(x.primal, own_gate, y, whole_bias);
    rows.dx = in<X>(x.tangent);
    rows.out = out<X>(sum.primal);
    rows.dout = out<X>(sum.tangent);
    over_samples(y.primal, [&](int64_t from, int64_t to) {
      kernels::dispatch<kernels::GateLoops>([&](auto loops) { loops.forward(rows, from, to); });
    });
  });
  return sum;
}

GateGradients gate_backward(const Dual& gate, const Dual& y, const Tensor& bias, const Dual& g) {
  RECORD_FUNCTION("ttfm::gate_backward", kNothing);
  const Tensor whole_bias = bias_or_zeros(bias, y.primal);
  const Dual own_gate = aligned_gate(gate);
  const int64_t samples = y.primal.size(0), columns = y.primal.size(-1);
  const Dual g_y = empty_value(y);
  const Dual g_gate{rows_for(gate.primal, samples, columns), rows_for(gate.tangent, samples, columns)};
  const Tensor g_bias = rows_for(whole_bias, samples, columns);
  with_types(g.primal.scalar_type(), y.primal.scalar_type(), [&](auto x_type, auto y_type) {
    using X = decltype(x_type);
    using Y = decltype(y_type);
    auto rows = gate_rows<X, Y>({}, own_gate, y, whole_bias);
    rows.g = in<X>(g.primal);
    rows.h = in<X>(g.tangent);
    rows.g_y = out<Y>(g_y.primal);
    rows.g_dy = out<Y>(g_y.tangent);
    rows.g_gate = results(g_gate.primal);
    rows.g_dgate = results(g_gate.tangent);
    rows.g_bias = results(g_bias);
    over_samples(y.primal, [&](int64_t from, int64_t to) {
      kernels::dispatch<kernels::GateLoops>([&](auto loops) { loops.backward(rows, from, to); });
    });
  });
  return {g_gate, g_y, bias.defined() ? g_bias.sum(0) : Tensor()};
}

}  // namespace ttfm::nn
