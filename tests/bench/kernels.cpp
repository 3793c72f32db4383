// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// ttfm's loops beside LibTorch's operations for the same thing, forward or backward, at the sizes of a DiT of 256 numbers a
// token and of a U-Net of 64 channels. Bytes are those that have to be read and written.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/addcmul.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/gelu_backward.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/lerp.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <benchmark/benchmark.h>

#include "base/allocator.h"
#include "kernels/adamw.h"
#include "nn/head_attention.h"
#include "nn/loops.h"
#include "nn/product.h"

namespace ttfm {
namespace {

using kernels::Activation;

constexpr int64_t kBatch = 8, kTokens = 256, kWidth = 256, kHeads = 4;

at::ScalarType type_of(const benchmark::State& state) { return state.range(0) == 16 ? at::kBFloat16 : at::kFloat; }

/// Runs `f` and counts the bytes of `tensors` tensors like `x`.
template <class F>
void run(benchmark::State& state, const Tensor& x, int tensors, F&& f) {
  const at::NoGradGuard no_grad;
  for (auto _ : state) benchmark::DoNotOptimize(f());
  state.SetBytesProcessed(state.iterations() * tensors * static_cast<int64_t>(x.nbytes()));
}

/// Runs `f` and counts the operations of a product of the sizes that `state` has: rows, in, out.
template <class F>
void run_product(benchmark::State& state, F&& f) {
  const at::NoGradGuard no_grad;
  for (auto _ : state) benchmark::DoNotOptimize(f());
  const auto operations = static_cast<double>(2 * state.range(0) * state.range(1) * state.range(2));
  state.counters["flops"] =
      benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

Tensor tokens(const benchmark::State& state, int64_t width = kWidth) {
  return at::randn({kBatch, kTokens, width}).to(type_of(state));
}
Tensor images(const benchmark::State& state) {
  return at::randn({2 * kBatch, 64, 32, 32}).to(type_of(state)).contiguous(at::MemoryFormat::ChannelsLast);
}
Tensor rows(int64_t batch, int64_t width) { return at::randn({batch, width}); }

void gelu_ttfm(benchmark::State& state) {
  const Tensor z = tokens(state, 4 * kWidth), bias = at::randn({4 * kWidth});
  run(state, z, 2, [&] { return nn::evaluated(nn::activation_function(Activation::gelu, {z, {}}, bias)).primal; });
}
void gelu_libtorch(benchmark::State& state) {
  const Tensor z = tokens(state, 4 * kWidth), bias = at::randn({4 * kWidth}).to(z.scalar_type());
  run(state, z, 2, [&] { return at::gelu(z + bias, "tanh"); });
}
void gelu_backward_ttfm(benchmark::State& state) {
  const Tensor z = tokens(state, 4 * kWidth), g = at::randn_like(z), bias = at::randn({4 * kWidth});
  run(state, z, 3, [&] {
    return nn::gradients(nn::activation_gradient(Activation::gelu, {z, {}}, bias, /*of_bias=*/true), {g, {}}).x.primal;
  });
}
void gelu_backward_libtorch(benchmark::State& state) {
  const Tensor z = tokens(state, 4 * kWidth), g = at::randn_like(z);
  run(state, z, 3, [&] {
    const Tensor g_z = at::gelu_backward(g, z, "tanh");
    return g_z.sum({0, 1}) + g_z.select(0, 0).select(0, 0);
  });
}

void layer_norm_ttfm(benchmark::State& state) {
  const Tensor x = tokens(state), scale = rows(kBatch, kWidth), shift = rows(kBatch, kWidth);
  run(state, x, 2, [&] {
    Tensor statistics;
    return nn::evaluated(nn::layer_norm_function({x, {}}, {scale, shift, {}, {}}, 1e-6, x.scalar_type(), statistics))
        .primal;
  });
}
void layer_norm_libtorch(benchmark::State& state) {
  const Tensor x = tokens(state), scale = rows(kBatch, kWidth).unsqueeze(1).to(x.scalar_type());
  const Tensor shift = rows(kBatch, kWidth).unsqueeze(1).to(x.scalar_type());
  run(state, x, 2, [&] { return at::addcmul(shift, at::layer_norm(x, {kWidth}, {}, {}, 1e-6), scale); });
}
void layer_norm_dual_ttfm(benchmark::State& state) {
  const Dual x{tokens(state), tokens(state)};
  const Tensor scale = rows(kBatch, kWidth), shift = rows(kBatch, kWidth);
  run(state, x.primal, 4, [&] {
    Tensor statistics;
    return nn::evaluated(
               nn::layer_norm_function(x, {scale, shift, scale, shift}, 1e-6, x.primal.scalar_type(), statistics))
        .tangent;
  });
}

void group_norm_silu_ttfm(benchmark::State& state) {
  const Tensor x = images(state), scale = at::randn({64}), shift = at::randn({64});
  run(state, x, 2, [&] {
    Tensor statistics;
    return nn::group_norm_forward({x, {}}, {scale, shift, {}, {}}, {32, 1e-5, Activation::silu}, statistics).primal;
  });
}
void group_norm_silu_libtorch(benchmark::State& state) {
  const Tensor x = images(state), scale = at::randn({64}).to(x.scalar_type()),
               shift = at::randn({64}).to(x.scalar_type());
  run(state, x, 2, [&] { return at::silu(at::group_norm(x, 32, scale, shift, 1e-5)); });
}

void gated_residual_ttfm(benchmark::State& state) {
  const Tensor x = tokens(state), y = tokens(state), gate = rows(kBatch, kWidth), bias = at::randn({kWidth});
  run(state, x, 3, [&] { return nn::gate_forward({x, {}}, {gate, {}}, {y, {}}, bias).primal; });
}
void gated_residual_libtorch(benchmark::State& state) {
  const Tensor x = tokens(state), y = tokens(state), gate = rows(kBatch, kWidth).unsqueeze(1).to(x.scalar_type());
  const Tensor bias = at::randn({kWidth}).to(x.scalar_type());
  run(state, x, 3, [&] { return at::addcmul(x, gate, y + bias); });
}

void attention_ttfm(benchmark::State& state) {
  const Tensor qkv = tokens(state, 3 * kWidth);
  run(state, qkv, 1, [&] { return nn::head_attention_forward({qkv, {}}, kHeads, /*keeps=*/false).o.primal; });
}
void attention_libtorch(benchmark::State& state) {
  const Tensor qkv = tokens(state, 3 * kWidth);
  run(state, qkv, 1, [&] {
    const Tensor heads = qkv.view({kBatch, kTokens, 3, kHeads, kWidth / kHeads}).permute({2, 0, 3, 1, 4});
    return at::scaled_dot_product_attention(heads[0], heads[1], heads[2])
        .transpose(1, 2)
        .reshape({kBatch, kTokens, kWidth});
  });
}

/// A random matrix of the sizes that the arguments of a product give; their fourth is the bits of a number.
Tensor matrix(const benchmark::State& state, int rows, int columns) {
  return at::randn({state.range(rows), state.range(columns)}).to(state.range(3) == 16 ? at::kBFloat16 : at::kFloat);
}

/// Rows, numbers in a row, numbers of the result; the weight is laid out each time, as layers do it.
void linear_libtorch(benchmark::State& state) {
  const Tensor x = matrix(state, 0, 1), weight = matrix(state, 2, 1);
  run_product(state, [&] { return at::mm(x, weight.t()); });
}
void linear_ttfm(benchmark::State& state) {
  const Tensor x = matrix(state, 0, 1), weight = matrix(state, 2, 1);
  const nn::Product linear{.kind = nn::Product::Kind::linear};
  run_product(state, [&] { return nn::multiply(linear, {x, {}}, weight, {}).primal; });
}
void linear_gradient_of_weight_ttfm(benchmark::State& state) {
  const Tensor x = matrix(state, 0, 1), weight = matrix(state, 2, 1);
  const Tensor g = matrix(state, 0, 2);
  const nn::Product linear{.kind = nn::Product::Kind::linear};
  run_product(state, [&] {
    return nn::multiply_backward(linear, {g, {}}, {x, {}}, weight, {.x = false, .weight = true, .bias = false}).weight;
  });
}
void linear_gradient_of_weight_libtorch(benchmark::State& state) {
  const Tensor x = matrix(state, 0, 1), g = matrix(state, 0, 2);
  run_product(state, [&] { return at::mm(g.t(), x); });
}
void sizes_of_layers(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"rows", "in", "out", "bits"})->Unit(benchmark::kMicrosecond);
  for (const int64_t bits : {32, 16}) {
    for (const auto& [in, out] : {std::pair<int64_t, int64_t>{256, 768}, {256, 256}, {256, 1024}, {1024, 256}}) {
      benchmark->Args({2048, in, out, bits});
    }
    benchmark->Args({1024, 512, 512, bits})->Args({512, 256, 256, bits})->Args({2000, 300, 515, bits});
  }
}

/// Images of `side` pixels, channels of it and of the result, a kernel of 3: what a convolution takes and gives.
struct Convolution {
  Tensor x, weight, g;
  double operations;

  explicit Convolution(const benchmark::State& state)
      : x(images(state.range(1), state.range(0))),
        weight(at::randn({state.range(2), state.range(1), 3, 3}).contiguous(at::MemoryFormat::ChannelsLast)),
        g(images(state.range(2), state.range(0))),
        operations(18 * static_cast<double>(x.numel() * state.range(2))) {}

  static Tensor images(int64_t channels, int64_t side) {
    return at::randn({16, channels, side, side}).contiguous(at::MemoryFormat::ChannelsLast);
  }
  template <class F>
  void run(benchmark::State& state, double times, F&& f) const {
    const at::NoGradGuard no_grad;
    for (auto _ : state) benchmark::DoNotOptimize(f());
    state.counters["flops"] = benchmark::Counter(times * operations, benchmark::Counter::kIsIterationInvariantRate,
                                                 benchmark::Counter::kIs1000);
  }
};

constexpr nn::Product kConvolution{.kind = nn::Product::Kind::conv2d, .stride = 1, .padding = 1};

void convolution_ttfm(benchmark::State& state) {
  const Convolution c(state);
  c.run(state, 1, [&] { return nn::multiply(kConvolution, {c.x, {}}, c.weight, {}).primal; });
}
void convolution_libtorch(benchmark::State& state) {
  const Convolution c(state);
  c.run(state, 1, [&] { return at::convolution(c.x, c.weight, {}, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1); });
}
void convolution_backward_ttfm(benchmark::State& state) {
  const Convolution c(state);
  c.run(state, 2, [&] {
    return nn::multiply_backward(kConvolution, {c.g, {}}, {c.x, {}}, c.weight,
                                 {.x = true, .weight = true, .bias = false});
  });
}
void convolution_backward_libtorch(benchmark::State& state) {
  const Convolution c(state);
  c.run(state, 2, [&] {
    return at::convolution_backward(c.g, c.x, c.weight, c10::nullopt, {1, 1}, {1, 1}, {1, 1}, false, {0, 0}, 1,
                                    {true, true, false});
  });
}
void sizes_of_convolutions(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"side", "in", "out"})->Unit(benchmark::kMicrosecond);
  benchmark->Args({16, 16, 16})
      ->Args({32, 32, 32})
      ->Args({32, 64, 64})
      ->Args({32, 128, 64})
      ->Args({16, 128, 128})
      ->Args({8, 256, 256});
}

void linear_after_gelu_ttfm(benchmark::State& state) {
  const Tensor z = tokens(state, 4 * kWidth), weight = at::randn({kWidth, 4 * kWidth});
  const Tensor bias = at::randn({4 * kWidth});
  run(state, z, 1, [&] {
    return nn::multiply(nn::activation_function(Activation::gelu, {z, {}}, bias), weight, {}).primal;
  });
}
void linear_after_gelu_libtorch(benchmark::State& state) {
  const Tensor z = tokens(state, 4 * kWidth), weight = at::randn({kWidth, 4 * kWidth});
  const Tensor bias = at::randn({4 * kWidth});
  run(state, z, 1, [&] { return at::linear(at::gelu(z + bias, "tanh"), weight); });
}

constexpr int64_t kWeights = 7'500'000;

void adamw_with_two_averages_ttfm(benchmark::State& state) {
  const Tensor w = at::randn({kWeights}), g = at::randn({kWeights}), m = at::zeros({kWeights}),
               v = at::zeros({kWeights});
  const Tensor first = w.clone(), second = w.clone();
  kernels::AdamWStretch stretch;
  stretch.w = w.mutable_data_ptr<float>();
  stretch.g = g.mutable_data_ptr<float>();
  stretch.m = m.mutable_data_ptr<float>();
  stretch.v = v.mutable_data_ptr<float>();
  stretch.beta_1 = 0.9f;
  stretch.beta_2 = 0.999f;
  stretch.rest_1 = 0.1f;
  stretch.rest_2 = 0.001f;
  stretch.eps = 1e-8f;
  stretch.step = 1e-3f;
  stretch.average = first.mutable_data_ptr<float>();
  stretch.average_weight = 0.01f;
  run(state, w, 12, [&] {
    for (int64_t from = 0; from < kWeights; from += 1 << 16) {
      const int64_t to = std::min(kWeights, from + (1 << 16));
      kernels::dispatch<kernels::AdamWLoops>([&](auto loops) {
        loops.update(stretch, from, to);
        loops.follow(stretch.w, second.mutable_data_ptr<float>(), nullptr, 0.01f, from, to);
      });
    }
    return 0;
  });
}
void adamw_with_two_averages_libtorch(benchmark::State& state) {
  Tensor w = at::randn({kWeights}), g = at::randn({kWeights}), m = at::zeros({kWeights}), v = at::zeros({kWeights});
  Tensor first = w.clone(), second = w.clone(), count = at::zeros({});
  run(state, w, 12, [&] {
    count += 1;
    at::_fused_adamw_({w}, {g}, {m}, {v}, {}, {count}, 1e-3, 0.9, 0.999, 0, 1e-8, false, false);
    first.lerp_(w, 0.01);
    second.lerp_(w, 0.01);
    g.zero_();
    return 0;
  });
}

#define TTFM_IN_BOTH_TYPES(name) BENCHMARK(name)->ArgName("bits")->Arg(32)->Arg(16)->Unit(benchmark::kMicrosecond)
TTFM_IN_BOTH_TYPES(gelu_ttfm);
TTFM_IN_BOTH_TYPES(gelu_libtorch);
TTFM_IN_BOTH_TYPES(gelu_backward_ttfm);
TTFM_IN_BOTH_TYPES(gelu_backward_libtorch);
TTFM_IN_BOTH_TYPES(layer_norm_ttfm);
TTFM_IN_BOTH_TYPES(layer_norm_libtorch);
TTFM_IN_BOTH_TYPES(layer_norm_dual_ttfm);
TTFM_IN_BOTH_TYPES(group_norm_silu_ttfm);
TTFM_IN_BOTH_TYPES(group_norm_silu_libtorch);
TTFM_IN_BOTH_TYPES(gated_residual_ttfm);
TTFM_IN_BOTH_TYPES(gated_residual_libtorch);
TTFM_IN_BOTH_TYPES(attention_ttfm);
TTFM_IN_BOTH_TYPES(attention_libtorch);
BENCHMARK(linear_ttfm)->Apply(sizes_of_layers);
BENCHMARK(linear_libtorch)->Apply(sizes_of_layers);
BENCHMARK(linear_gradient_of_weight_ttfm)->Apply(sizes_of_layers);
BENCHMARK(linear_gradient_of_weight_libtorch)->Apply(sizes_of_layers);
BENCHMARK(convolution_ttfm)->Apply(sizes_of_convolutions);
BENCHMARK(convolution_libtorch)->Apply(sizes_of_convolutions);
BENCHMARK(convolution_backward_ttfm)->Apply(sizes_of_convolutions);
BENCHMARK(convolution_backward_libtorch)->Apply(sizes_of_convolutions);
BENCHMARK(linear_after_gelu_ttfm)->Arg(32)->Unit(benchmark::kMicrosecond);
BENCHMARK(linear_after_gelu_libtorch)->Arg(32)->Unit(benchmark::kMicrosecond);
BENCHMARK(adamw_with_two_averages_ttfm)->Unit(benchmark::kMicrosecond);
BENCHMARK(adamw_with_two_averages_libtorch)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ttfm

int main(int argc, char** argv) {
  ttfm::keep_freed_memory();
  at::set_num_threads(1);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
