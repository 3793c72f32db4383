// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/tile_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <functional>
#include <vector>

#include <ttfm/parallel.h>

#include "nn/loop_tensors.h"
#include "nn/tile_product.h"

namespace ttfm::nn {
namespace {

using at::Tensor;
using kernels::TileLoops;

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

int64_t round_up(int64_t x, int64_t to) { return (x + to - 1) / to * to; }

/// A part of a batch of images with zeros around each, pixel after pixel in one sequence: where the pixel at (y, x) stands
/// at i, that at (y + a, x + b) stands at i + a pitch + b, or a zero where the image ends. Between two rows there are as
/// many zeros as the kernel reaches beyond one; so are there rows of zeros between two images.
struct Strip {
  int64_t height, width, reach;  ///< of the images; of the kernel to each side
  int64_t image, images;         ///< from which, how many
  int64_t from, rows;            ///< of each

  int64_t pitch() const { return width + reach; }
  int64_t margin() const { return reach * pitch() + reach; }  ///< zeros before the first pixel and after the last one
  int64_t place(int64_t n, int64_t y) const { return (n * (rows + reach) + y) * pitch() + margin(); }
  int64_t span() const { return place(images - 1, rows - 1) + width - margin(); }  ///< from the first pixel to the last
  int64_t size() const { return span() + 2 * margin(); }

  /// From the first pixel on, those that the place (i, j) of the kernel meets begin here.
  int64_t start_of(int64_t i, int64_t j) const { return i * pitch() + j; }

  /// Whether the row at this place is one of the strip's.
  bool has(int64_t place) const { return place >= margin() && place < margin() + span(); }

  /// f(pixels, place, inside) for the rows of all images, those above and below included: `pixels` is the number of the
  /// row's first in the batch, and `inside` says whether it is one of the image's.
  template <class F>
  void over_rows(F&& f) const {
    for (int64_t n = 0; n < images; ++n) {
      for (int64_t y = n == 0 ? -reach : 0; y < rows + reach; ++y) {
        const int64_t row = from + y;
        f(((image + n) * height + row) * width, place(n, y), row >= 0 && row < height);
      }
    }
  }
};

/// The batch in strips of some `wanted` pixels, at least one for each thread where it has the rows.
std::vector<Strip> strips_of(const Tensor& x, int64_t reach, int64_t wanted) {
  const int64_t batch = x.size(0), height = x.size(2), width = x.size(3);
  const int64_t share = std::max<int64_t>(1, batch * height * width / at::get_num_threads());
  wanted = std::min(wanted, share);
  std::vector<Strip> strips;
  if (height * width > wanted) {
    const int64_t parts = std::min(height, (height * width + wanted - 1) / wanted);
    const int64_t rows = (height + parts - 1) / parts;
    for (int64_t n = 0; n < batch; ++n) {
      for (int64_t y = 0; y < height; y += rows) {
        strips.push_back({height, width, reach, n, 1, y, std::min(rows, height - y)});
      }
    }
  } else {
    const int64_t images = wanted / (height * width);
    for (int64_t n = 0; n < batch; n += images) {
      strips.push_back({height, width, reach, n, std::min(images, batch - n), 0, height});
    }
  }
  return strips;
}

int64_t wanted_pixels(int64_t channels) { return std::clamp<int64_t>((1 << 16) / channels, 128, 1024); }

/// y <- x convolved: the right operand has k k parts of x's channels.
void convolve(const Tensor& given, const TilePanels& weight, int64_t kernel, const float* bias, const Tensor& y) {
  const Tensor x = given.contiguous(kLast);
  const int64_t channels = x.size(1), reach = kernel / 2, stride = TileLoops::left_stride(channels);
  const int64_t steps = TileLoops::steps(channels);
  const int64_t out_channels = y.size(1);
  const auto strips = strips_of(x, reach, wanted_pixels(channels));
  int64_t places = 0, span = 0;
  for (const Strip& strip : strips) {
    // rows of the product are computed 32 at a time, and split 16 at a time
    places = std::max(places, round_up(strip.span(), TileLoops::kRows) + 2 * strip.margin() + TileLoops::kRows);
    span = std::max(span, strip.span());
  }
  std::vector<int64_t> offsets;
  for (int64_t i = 0; i < kernel; ++i) {
    for (int64_t j = 0; j < kernel; ++j) {
      for (int64_t k = 0; k < steps; ++k) {
        offsets.push_back(strips.front().start_of(i, j) * stride + k * TileLoops::kStep);
      }
    }
  }
  const float* const pixels = x.const_data_ptr<float>();
  float* const results = y.mutable_data_ptr<float>();
  parallel_for(0, static_cast<int64_t>(strips.size()), 1, [&](int64_t first, int64_t last) {
    const Tensor memory = tile_memory(places * stride);
    const Tensor product = at::empty({span, out_channels}, x.options());
    char* const left = bytes_of(memory);
    auto* const sums = product.mutable_data_ptr<float>();
    std::fill_n(left, memory.numel(), 0);
    for (int64_t i = first; i < last; ++i) {
      const Strip& strip = strips[static_cast<size_t>(i)];
      strip.over_rows([&](int64_t pixel, int64_t place, bool inside) {
        if (inside) {
          TileLoops::split_left({pixels + pixel * channels, channels, 1}, strip.width, channels, left + place * stride);
        } else {
          std::fill_n(left + place * stride, strip.width * stride, 0);
        }
      });
      weight.multiply({left, stride, offsets.data()}, strip.span(), /*add=*/false, sums, out_channels);
      strip.over_rows([&](int64_t pixel, int64_t place, bool inside) {
        if (!inside || !strip.has(place)) return;
        const float* from = sums + (place - strip.margin()) * out_channels;
        float* to = results + pixel * out_channels;
        if (!bias) std::copy_n(from, strip.width * out_channels, to);
        for (int64_t n = 0; bias && n < strip.width; ++n, from += out_channels, to += out_channels) {
          std::transform(from, from + out_channels, bias, to, std::plus());
        }
      });
    }
  });
}

/// 32 channels of a strip's pixels as rows, into zeros; those of the rows beside it only if `beside`.
void pad(const Strip& strip, const Tensor& x, int64_t channel, bool beside, float* to) {
  constexpr int64_t kWidth = TileLoops::kColumns;
  const int64_t channels = x.size(1);
  const auto* from = x.const_data_ptr<float>() + channel;
  strip.over_rows([&](int64_t pixel, int64_t place, bool inside) {
    if (!inside || (!beside && !strip.has(place))) return;
    for (int64_t n = 0; n < strip.width; ++n) {
      std::copy_n(from + (pixel + n) * channels, kWidth, to + (place + n) * kWidth);
    }
  });
}

}  // namespace

bool fills_tiles(const Tensor& x, int64_t out_channels) {
  constexpr int64_t kFewPixels = 64;
  return has_tiles() && x.size(1) % TileLoops::kDepth == 0 && out_channels % TileLoops::kDepth == 0 &&
         x.size(0) * x.size(2) * x.size(3) >= kFewPixels;
}

Tensor convolve_tiles(const Tensor& x, const Tensor& given, const Tensor& bias) {
  RECORD_FUNCTION("ttfm::convolution", c10::ArrayRef<const c10::IValue>());
  const Tensor y = loop::images_like(x, given.size(0)), weight = given.contiguous(kLast);
  const int64_t depth = weight.numel() / weight.size(0);
  const TilePanels panels({weight.const_data_ptr<float>(), 1, depth}, depth, weight.size(0));
  const Tensor numbers = bias.defined() ? bias.contiguous() : bias;
  convolve(x, panels, weight.size(2), bias.defined() ? numbers.const_data_ptr<float>() : nullptr, y);
  return y;
}

Tensor convolve_tiles_gradient_of_x(const Tensor& g, const Tensor& given) {
  RECORD_FUNCTION("ttfm::convolution_gradient_of_x", c10::ArrayRef<const c10::IValue>());
  const Tensor y = loop::images_like(g, given.size(1)), weight = given.contiguous(kLast);
  const int64_t out = weight.size(0), in = weight.size(1), kernel = weight.size(2), places = kernel * kernel;
  std::vector<TileMatrix> turned;  // [O, C] of each place, from the last one
  for (int64_t i = places - 1; i >= 0; --i) turned.push_back({weight.const_data_ptr<float>() + i * in, places * in, 1});
  convolve(g, TilePanels(turned, out, in), kernel, nullptr, y);
  return y;
}

Tensor convolve_tiles_gradient_of_weight(const Tensor& given_g, const Tensor& given_x, int64_t kernel) {
  RECORD_FUNCTION("ttfm::convolution_gradient_of_weight", c10::ArrayRef<const c10::IValue>());
  const int64_t in = given_x.size(1), out = given_g.size(1), places = kernel * kernel;
  const Tensor weight = at::empty({out, in, kernel, kernel}, given_x.options(), kLast);
  const Tensor g = given_g.contiguous(kLast), x = given_x.contiguous(kLast);
  auto* const sums = weight.mutable_data_ptr<float>();
  // the sum over all pixels i of g[i]^T x[i + a pitch + b]: a product for each place of the kernel, which begins there in x
  const auto strips = strips_of(x, kernel / 2, wanted_pixels(std::max(in, out)) * at::get_num_threads());
  for (const Strip& strip : strips) {
    constexpr int64_t kWidth = TileLoops::kColumns, kRows = 2 * TileLoops::kRows;
    const int64_t steps = TileLoops::steps(strip.span()), span = steps * TileLoops::kDepth;
    const int64_t size = span + 2 * strip.margin(), stride = TileLoops::left_stride(span);
    const int64_t of_lines = 6 * TileLoops::part_bytes(size);  // for 32 channels
    // those of x from the first pixel on, and from the second
    const Tensor left = tile_memory(round_up(out, kRows) * stride), right = tile_memory(2 * in / kWidth * of_lines);
    const auto lines = [&](int64_t from) { return bytes_of(right) + from * in / kWidth * of_lines; };
    parallel_for(0, (out + in) / kWidth, 1, [&](int64_t first, int64_t last) {
      const Tensor memory = at::empty({size + 1, kWidth}, x.options());
      auto* const padded = memory.mutable_data_ptr<float>();
      for (int64_t i = first; i < last; ++i) {
        std::fill_n(padded, memory.numel(), 0.F);
        if (const int64_t channel = i * kWidth; channel < out) {
          pad(strip, g, channel, /*beside=*/false, padded);
          TileLoops::split_left_for_lines({padded + strip.margin() * kWidth, kWidth, 1}, kWidth, span,
                                          bytes_of(left) + channel * stride);
        } else {
          pad(strip, x, channel - out, /*beside=*/true, padded);
          for (int64_t from = 0; from < 2; ++from) {
            TileLoops::split_lines({padded + from * kWidth, kWidth, 1}, size, kWidth,
                                   lines(from) + (channel - out) / kWidth * of_lines);
          }
        }
      }
    });
    const auto offsets = offsets_of(steps);
    const int64_t blocks = (out + kRows - 1) / kRows;
    parallel_for(0, places * blocks, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const int64_t place = i / blocks, row = i % blocks * kRows;
        const int64_t start = strip.start_of(place / kernel, place % kernel);
        TileLoops::multiply({bytes_of(left) + row * stride, stride, offsets.data()},
                            TileLoops::lines_at(lines(start % 2) + start / 2 * TileLoops::kLine, size), steps,
                            std::min(kRows, out - row), in, /*add=*/&strip != strips.data(),
                            sums + (row * places + place) * in, places * in);
      }
    });
  }
  return weight;
}

}  // namespace ttfm::nn
