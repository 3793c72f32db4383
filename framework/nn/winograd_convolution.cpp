// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/winograd_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/record_function.h>

#include <algorithm>

#include <ttfm/parallel.h>

#include "kernels/panels.h"
#include "kernels/winograd.h"
#include "nn/loop_tensors.h"
#include "nn/packed_matrix.h"

namespace ttfm::nn {
namespace {

using at::Tensor;
using kernels::Channels;
using kernels::kPanel;
using kernels::kPoints;
using kernels::panels_of;
using kernels::Patches;
using kernels::Points;
using kernels::WinogradLoops;

constexpr auto kLast = at::MemoryFormat::ChannelsLast;
constexpr int64_t kPlaces = 9;
constexpr int64_t kLine = 16;   // floats of a cache line
constexpr int64_t kBlock = 64;  // channels that are laid out or multiplied at once

Tensor floats(int64_t count) { return at::empty({count}, at::kFloat); }

Patches patches_of(const Tensor& x) { return {x.size(2), x.size(3)}; }

/// So many patches, at least `least`, that the numbers of that many channels at their points stay in a core's cache, a
/// multiple of the rows that a product takes at once.
int64_t patches_in_cache(int64_t channels, int64_t least, int64_t numbers) {
  constexpr int64_t kRows = 6;
  return std::max(least, numbers / kPoints / channels / kRows * kRows);
}

/// The weights at the points as right operands, each [depth, columns] in panels.
struct WeightPanels {
  int64_t depth, columns;
  Tensor memory = floats(kPoints * panels_of(columns) * depth * kPanel);

  int64_t panel() const { return depth * kPanel; }
  int64_t point() const { return panels_of(columns) * panel(); }
  float* at(int64_t i) const { return loop::results(memory) + i * point(); }

  /// f(column, count, row, rows, to) for blocks of a panel, shared among threads: `to` is where they begin at the first
  /// point.
  template <class F>
  void over_blocks(F&& f) const {
    const int64_t blocks = (depth + kBlock - 1) / kBlock;
    parallel_for(0, panels_of(columns) * blocks, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t column = i / blocks * kPanel, row = i % blocks * kBlock;
        f(column, std::min(kPanel, columns - column), row, std::min(kBlock, depth - row),
          at(0) + i / blocks * panel() + row * kPanel);
      }
    });
  }
};

/// [C, O] for a convolution.
WeightPanels panels_for_x(const Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1);
  const WeightPanels panels{in, out};
  const float* const w = loop::numbers(weight);
  panels.over_blocks([&](int64_t column, int64_t count, int64_t row, int64_t rows, float* to) {
    const Tensor memory = floats(kPoints * kBlock * kBlock);
    float* const block = loop::results(memory);
    kernels::dispatch<WinogradLoops>([&](auto loops) {
      for (int64_t o = 0; o < count; ++o) {
        loops.of_weight(w + (column + o) * kPlaces * in + row, in, rows, block + o * kBlock, kBlock * kBlock);
      }
    });
    kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
      for (int64_t p = 0; p < kPoints; ++p) {
        loops.pack(StridedMatrix<float>{block + p * kBlock * kBlock, 1, kBlock}, rows, count, to + p * panels.point(),
                   panels.panel(), 0, 1);
      }
    });
  });
  return panels;
}

/// [O, C] for the gradient of x, which is g convolved with the kernel turned by half: the points are those of the kernel in
/// another order, since G of a column from its end has the first and the last number of G exchanged.
WeightPanels panels_for_g(const Tensor& weight) {
  const int64_t out = weight.size(0), in = weight.size(1);
  const WeightPanels panels{out, in};
  const float* const w = loop::numbers(weight);
  panels.over_blocks([&](int64_t column, int64_t count, int64_t row, int64_t rows, float* to) {
    alignas(64) float numbers[kPoints * kPanel] = {};
    constexpr int64_t kTurned[4] = {3, 1, 2, 0};
    for (int64_t o = 0; o < rows; ++o, to += kPanel) {
      kernels::dispatch<WinogradLoops>(
          [&](auto loops) { loops.of_weight(w + (row + o) * kPlaces * in + column, in, count, numbers, kPanel); });
      for (int64_t p = 0; p < kPoints; ++p) {
        std::copy_n(numbers + (kTurned[p / 4] * 4 + kTurned[p % 4]) * kPanel, kPanel, to + p * panels.point());
      }
    }
  });
  return panels;
}

/// y [B, O, H, W] <- x convolved.
void convolve(const Tensor& x, const WeightPanels& weights, const float* bias, const Tensor& y) {
  const Patches patches = patches_of(x);
  const int64_t in = x.size(1), out = y.size(1), count = x.size(0) * patches.of_image();
  const int64_t share = std::max<int64_t>(1, count / at::get_num_threads());
  const int64_t block = std::min(patches_in_cache(in + out, 24, 1 << 16), share);
  // no power of two: rows would compete for cache lines
  const int64_t left_row = in + kLine, left_point = block * left_row + kLine, sums_point = block * out + kLine;
  parallel_for(0, (count + block - 1) / block, 1, [&](int64_t first_block, int64_t last_block) {
    const Tensor left_memory = floats(kPoints * left_point), sums_memory = floats(kPoints * sums_point);
    float *const left = loop::results(left_memory), *const sums = loop::results(sums_memory);
    for (int64_t first = first_block * block; first < std::min(count, last_block * block); first += block) {
      const int64_t last = std::min(count, first + block);
      kernels::dispatch<WinogradLoops>([&](auto loops) {
        loops.of_x({loop::numbers(x), in, in}, patches, first, last, {left, left_point, left_row});
      });
      kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
        for (int64_t p = 0; p < kPoints; ++p) {
          loops.multiply(kernels::LeftOperand<float>::by_row(left + p * left_point, left_row), weights.at(p),
                         weights.panel(), in, last - first, out,
                         /*bias=*/nullptr, /*add=*/false, sums + p * sums_point, out);
        }
      });
      kernels::dispatch<WinogradLoops>([&](auto loops) {
        loops.to_y({sums, sums_point, out}, bias, patches, first, last, {loop::results(y), out, out});
      });
    }
  });
}

}  // namespace

bool takes_winograd(const Tensor& x, int64_t out_channels, int64_t kernel) {
  constexpr int64_t kFewChannels = 16, kSmallImage = 4;
  return kernel == 3 && PackedMatrix::supported(at::kFloat) && std::min(x.size(1), out_channels) >= kFewChannels &&
         std::min(x.size(2), x.size(3)) >= kSmallImage;
}

Tensor convolve_winograd(const Tensor& given_x, const Tensor& given, const Tensor& bias) {
  RECORD_FUNCTION("ttfm::convolution", loop::kNothing);
  const Tensor y = loop::images_like(given_x, given.size(0)), x = given_x.contiguous(kLast),
               weight = given.contiguous(kLast);
  const Tensor numbers = bias.defined() ? bias.contiguous() : bias;
  convolve(x, panels_for_x(weight), loop::numbers(numbers), y);
  return y;
}

Tensor convolve_winograd_gradient_of_x(const Tensor& given_g, const Tensor& given) {
  RECORD_FUNCTION("ttfm::convolution_gradient_of_x", loop::kNothing);
  const Tensor y = loop::images_like(given_g, given.size(1)), g = given_g.contiguous(kLast),
               weight = given.contiguous(kLast);
  convolve(g, panels_for_g(weight), nullptr, y);
  return y;
}

Tensor convolve_winograd_gradient_of_weight(const Tensor& given_g, const Tensor& given_x) {
  RECORD_FUNCTION("ttfm::convolution_gradient_of_weight", loop::kNothing);
  const int64_t in = given_x.size(1), out = given_g.size(1);
  const Tensor weight = at::empty({out, in, 3, 3}, given_x.options(), kLast);
  const Tensor g = given_g.contiguous(kLast), x = given_x.contiguous(kLast);
  const Patches patches = patches_of(x);
  const int64_t count = x.size(0) * patches.of_image(),
                block = std::min(patches_in_cache(in + out, 48, 1 << 17), count);
  const int64_t left_row = block + kLine, left_point = out * left_row;  // g's points, [O, patches]
  const int64_t panel = block * kPanel, right_point = panels_of(in) * panel;
  const int64_t sums_point = out * in + kLine;
  const Tensor left_memory = floats(kPoints * left_point), right_memory = floats(kPoints * right_point);
  const Tensor sums_memory = floats(kPoints * sums_point);
  float *const left = loop::results(left_memory), *const right = loop::results(right_memory);
  float* const sums = loop::results(sums_memory);
  const int64_t blocks = (out + kBlock - 1) / kBlock;
  for (int64_t start = 0; start < count; start += block) {
    const int64_t last = std::min(count, start + block);
    parallel_for(0, blocks + panels_of(in), 1, [&](int64_t first_part, int64_t last_part) {
      const Tensor memory = floats(kPoints * block * kBlock);
      float* const points = loop::results(memory);
      for (int64_t i = first_part; i < last_part; ++i) {
        if (i >= blocks) {
          const int64_t channel = (i - blocks) * kPanel;
          kernels::dispatch<WinogradLoops>([&](auto loops) {
            loops.of_x({loop::numbers(x) + channel, in, std::min(kPanel, in - channel)}, patches, start, last,
                       {right + (i - blocks) * panel, right_point, kPanel});
          });
          continue;
        }
        const int64_t channel = i * kBlock, channels = std::min(kBlock, out - channel);
        kernels::dispatch<WinogradLoops>([&](auto loops) {
          loops.of_g({loop::numbers(g) + channel, out, channels}, patches, start, last,
                     {points, block * kBlock, kBlock});
        });
        kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
          for (int64_t p = 0; p < kPoints; ++p) {
            loops.load(StridedMatrix<float>{points + p * block * kBlock, 1, kBlock}, channels, last - start,
                       left + p * left_point + channel * left_row, left_row);
          }
        });
      }
    });
    parallel_for(0, kPoints * blocks, 1, [&](int64_t first_part, int64_t last_part) {
      kernels::dispatch<kernels::PanelLoops>([&](auto loops) {
        for (int64_t i = first_part; i < last_part; ++i) {
          const int64_t point = i / blocks, channel = i % blocks * kBlock;
          loops.multiply(kernels::LeftOperand<float>::by_row(left + point * left_point + channel * left_row, left_row),
                         right + point * right_point, panel, last - start, std::min(kBlock, out - channel), in,
                         /*bias=*/nullptr, /*add=*/start > 0, sums + point * sums_point + channel * in, in);
        }
      });
    });
  }
  parallel_for(0, out, kBlock, [&](int64_t first, int64_t last) {
    kernels::dispatch<WinogradLoops>([&](auto loops) {
      for (int64_t o = first; o < last; ++o) {
        loops.to_weight(sums + o * in, sums_point, in, loop::results(weight) + o * kPlaces * in, in);
      }
    });
  });
  return weight;
}

}  // namespace ttfm::nn
