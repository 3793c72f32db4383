// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/packed_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <vector>

#include <ttfm/parallel.h>

#include "kernels/panels.h"
#include "nn/loop_tensors.h"
#include "nn/packed_matrix.h"
#include "nn/tile_convolution.h"
#include "nn/winograd_convolution.h"

namespace ttfm::nn {
namespace {

using at::Tensor;
using kernels::kPanel;
using kernels::panels_of;
using kernels::Step;

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

/// Rows of pixels of a batch of images [B, C, height, width], first <= row < last, counted through all images; and those
/// beside them that a kernel reaches, with zeros to the left and to the right of each.
struct Strip {
  int64_t height, width, reach;
  int64_t first, last;

  int64_t image_of(int64_t row) const { return row / height * height; }
  int64_t begin() const { return std::max(first - reach, image_of(first)); }
  int64_t end() const { return std::min(last + reach, image_of(last - 1) + height); }

  /// Of such rows in memory, in pixels.
  int64_t pitch() const { return width + 2 * reach; }
  int64_t pixels() const { return (end() - begin()) * pitch(); }
  int64_t place(int64_t row) const { return (row - begin()) * pitch(); }

  /// Whether row i of the kernel meets the image there, instead of zeros above or below it.
  bool meets(int64_t row, int64_t i) const {
    const int64_t met = row + i - reach;
    return met >= image_of(row) && met < image_of(row) + height;
  }
};

/// The batch in strips of some `pixels`.
std::vector<Strip> strips_of(const Tensor& x, int64_t reach, int64_t pixels) {
  const int64_t height = x.size(2), width = x.size(3), rows = x.size(0) * height;
  const int64_t each = std::max<int64_t>(1, pixels / width);
  std::vector<Strip> strips;
  for (int64_t row = 0; row < rows; row += each) {
    strips.push_back({height, width, reach, row, std::min(rows, row + each)});
  }
  return strips;
}

/// So many that operands of a strip stay in a core's cache.
int64_t pixels_in_cache(int64_t channels) { return std::clamp<int64_t>((1 << 15) / channels, 64, 512); }

/// A strip's rows of so many channels from `channel` on, `stride` numbers from pixel to pixel: what lies beside them is
/// zero already.
void load(const Strip& strip, const float* x, int64_t channels, int64_t channel, int64_t count, float* to,
          int64_t stride) {
  kernels::dispatch_panels([&](auto loops) {
    for (int64_t row = strip.begin(); row < strip.end(); ++row) {
      loops.load(StridedMatrix<float>{x + row * strip.width * channels + channel, channels, 1}, strip.width, count,
                 to + (strip.place(row) + strip.reach) * stride, stride);
    }
  });
}

/// The weights of all places of a kernel below each other, each part [depth, columns].
struct Weights {
  std::vector<StridedMatrix<float>> parts;
  int64_t depth, columns;

  int64_t panel() const { return static_cast<int64_t>(parts.size()) * depth * kPanel; }

  Tensor packed() const {
    const Tensor out = at::empty({panels_of(columns) * panel()}, at::kFloat);
    parallel_for(0, panels_of(columns), 1, [&](int64_t first, int64_t last) {
      auto* to = loop::results(out);
      for (const StridedMatrix<float>& part : parts) {
        kernels::dispatch_panels([&](auto loops) { loops.pack(part, depth, columns, to, panel(), first, last); });
        to += depth * kPanel;
      }
    });
    return out;
  }
};

/// y [B, O, H, W] <- x convolved with the weights of a kernel of that side.
void convolve(const Tensor& x, const Weights& weights, int64_t kernel, const float* bias, const Tensor& y) {
  const int64_t channels = x.size(1), width = x.size(3), out_channels = y.size(1), reach = kernel / 2;
  const Tensor panels = weights.packed();
  const int64_t share = x.size(0) * x.size(2) * width / at::get_num_threads();
  const auto strips = strips_of(x, reach, std::min(pixels_in_cache(channels), share));
  int64_t pixels = 0;
  for (const Strip& strip : strips) pixels = std::max(pixels, strip.pixels());
  parallel_for(0, static_cast<int64_t>(strips.size()), 1, [&](int64_t first, int64_t last) {
    // what lies beside rows is the same in all strips
    const Tensor memory = at::zeros({pixels * channels}, at::kFloat);
    float* const left = loop::results(memory);
    std::vector<Step> steps;
    for (int64_t s = first; s < last; ++s) {
      const Strip& strip = strips[static_cast<size_t>(s)];
      load(strip, loop::numbers(x), channels, 0, channels, left, channels);
      for (int64_t column = 0; column < out_channels; column += kPanel) {
        const int64_t count = std::min(kPanel, out_channels - column);
        const float* const right = loop::numbers(panels) + column / kPanel * weights.panel();
        for (int64_t row = strip.first; row < strip.last; ++row) {
          steps.clear();
          // the pixels that a row of the kernel meets lie side by side
          for (int64_t i = 0; i < kernel; ++i) {
            if (!strip.meets(row, i)) continue;
            steps.push_back(
                {strip.place(row + i - reach) * channels, i * kernel * channels * kPanel, kernel * channels});
          }
          float* const out = loop::results(y) + row * width * out_channels + column;
          for (int64_t n = 0; n < width && bias; ++n) std::copy_n(bias + column, count, out + n * out_channels);
          kernels::dispatch_panels([&](auto loops) {
            loops.multiply(left, channels, right, weights.panel(), steps.data(), static_cast<int64_t>(steps.size()),
                           width, count, /*add=*/bias != nullptr, out, out_channels);
          });
        }
      }
    }
  });
}

}  // namespace

bool takes_packed_convolution(const Tensor& x, const Tensor& weight, int64_t stride, int64_t padding) {
  const auto images = [](const Tensor& a) {
    return a.is_cpu() && a.scalar_type() == at::kFloat && a.dim() == 4 && a.numel() > 0;
  };
  if (!PackedMatrix::supported(at::kFloat) || !images(x) || !images(weight) || x.size(1) != weight.size(1))
    return false;
  const int64_t kernel = weight.size(2);
  constexpr int64_t kFewChannels = 16;
  return stride == 1 && kernel == weight.size(3) && kernel == 2 * padding + 1 &&
         std::min(weight.size(0), weight.size(1)) >= kFewChannels;
}

Tensor convolve_packed(const Tensor& given_x, const Tensor& given, const Tensor& bias) {
  if (fills_tiles(given_x, given.size(0))) return convolve_tiles(given_x, given, bias);
  if (takes_winograd(given_x, given.size(2))) return convolve_winograd(given_x, given, bias);
  RECORD_FUNCTION("ttfm::convolution", loop::kNothing);
  const Tensor y = loop::images_like(given_x, given.size(0)), x = given_x.contiguous(kLast),
               weight = given.contiguous(kLast);
  const Tensor numbers = bias.defined() ? bias.contiguous() : bias;
  const int64_t depth = weight.numel() / weight.size(0);
  convolve(x, {{{loop::numbers(weight), 1, depth}}, depth, weight.size(0)}, weight.size(2), loop::numbers(numbers), y);
  return y;
}

Tensor convolve_packed_gradient_of_x(const Tensor& given_g, const Tensor& given) {
  if (fills_tiles(given_g, given.size(1))) return convolve_tiles_gradient_of_x(given_g, given);
  if (takes_winograd(given_g, given.size(2))) return convolve_winograd_gradient_of_x(given_g, given);
  RECORD_FUNCTION("ttfm::convolution_gradient_of_x", loop::kNothing);
  const Tensor y = loop::images_like(given_g, given.size(1)), g = given_g.contiguous(kLast),
               weight = given.contiguous(kLast);
  const int64_t out = weight.size(0), in = weight.size(1), kernel = weight.size(2), places = kernel * kernel;
  Weights weights{{}, out, in};  // [O, C] of each place, from the last one
  for (int64_t i = places - 1; i >= 0; --i) weights.parts.push_back({loop::numbers(weight) + i * in, places * in, 1});
  convolve(g, weights, kernel, nullptr, y);
  return y;
}

Tensor convolve_packed_gradient_of_weight(const Tensor& given_g, const Tensor& given_x, int64_t kernel) {
  if (fills_tiles(given_x, given_g.size(1))) return convolve_tiles_gradient_of_weight(given_g, given_x, kernel);
  if (takes_winograd(given_x, kernel)) return convolve_winograd_gradient_of_weight(given_g, given_x);
  RECORD_FUNCTION("ttfm::convolution_gradient_of_weight", loop::kNothing);
  const int64_t in = given_x.size(1), out = given_g.size(1), places = kernel * kernel, reach = kernel / 2;
  const Tensor weight = at::empty({out, in, kernel, kernel}, given_x.options(), kLast);
  const Tensor g = given_g.contiguous(kLast), x = given_x.contiguous(kLast);
  float* const sums = loop::results(weight);
  // the sum over all pixels p of g[p]^T x[p + place]: a product for each place of the kernel, which begins there in x
  constexpr int64_t kPixels = 1024, kBlock = 64, kLine = 16;
  const int64_t width = x.size(3);
  const auto strips = strips_of(x, reach, kPixels);
  const int64_t stride = strips.front().last * width + kLine;  // no power of two: rows would compete for cache lines
  int64_t pixels = 0;
  for (const Strip& strip : strips) pixels = std::max(pixels, strip.pixels());
  const int64_t panel = pixels * kPanel;
  const Tensor left_memory = at::empty({out * stride}, at::kFloat);
  const Tensor right_memory = at::zeros({panels_of(in) * panel}, at::kFloat);
  float *const left = loop::results(left_memory), *const right = loop::results(right_memory);
  for (const Strip& strip : strips) {
    const int64_t blocks = (out + kBlock - 1) / kBlock;
    parallel_for(0, blocks + panels_of(in), 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        if (i < blocks) {
          const int64_t channel = i * kBlock;
          const float* const from = loop::numbers(g) + strip.first * width * out + channel;
          kernels::dispatch_panels([&](auto loops) {
            loops.load(StridedMatrix<float>{from, 1, out}, std::min(kBlock, out - channel),
                       (strip.last - strip.first) * width, left + channel * stride, stride);
          });
        } else {
          const int64_t channel = (i - blocks) * kPanel;
          load(strip, loop::numbers(x), in, channel, std::min(kPanel, in - channel), right + (i - blocks) * panel,
               kPanel);
        }
      }
    });
    parallel_for(0, places * blocks, 1, [&](int64_t first, int64_t last) {
      std::vector<Step> steps;
      for (int64_t i = first; i < last; ++i) {
        const int64_t place = i / blocks, channel = i % blocks * kBlock;
        steps.clear();
        for (int64_t row = strip.first; row < strip.last; ++row) {
          if (!strip.meets(row, place / kernel)) continue;
          steps.push_back({(row - strip.first) * width,
                           (strip.place(row + place / kernel - reach) + place % kernel) * kPanel, width});
        }
        kernels::dispatch_panels([&](auto loops) {
          loops.multiply(left + channel * stride, stride, right, panel, steps.data(),
                         static_cast<int64_t>(steps.size()), std::min(kBlock, out - channel), in,
                         /*add=*/&strip != strips.data(), sums + (channel * places + place) * in, places * in);
        });
      }
    });
  }
  return weight;
}

}  // namespace ttfm::nn
