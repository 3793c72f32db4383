// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include "kernels/isa.h"

/// Winograd's convolution F(2x2, 3x3) of images that lie channels last: with 4 multiplications for a pixel of the result
/// instead of 9. The result is cut into patches of 2x2 pixels. For each of them and each pair of channels
///
///     y = A^T [(G w G^T) * (B^T x B)] A,    * number by number,
///
/// where x has the 4x4 pixels that the patch depends on. So the sum over channels is a product of matrices at each of 16
/// points, [patches, channels of x] by [channels of x, channels of y]. The gradient of w is
///
///     G^T [(A g A^T) * (B^T x B)] G,
///
/// a product over the patches at each point. See Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks",
/// arXiv 1509.09308; A, B and G are those of its section 4.1. All their numbers are 0, 1, -1 and 1/2.
namespace ttfm::kernels {

constexpr int64_t kPoints = 16;

/// The patches of images of that size, row by row, image by image. Where the size is odd, the last ones reach beyond it.
struct Patches {
  int64_t height, width;

  [[gnu::always_inline]] int64_t rows() const { return (height + 1) / 2; }
  [[gnu::always_inline]] int64_t columns() const { return (width + 1) / 2; }
  [[gnu::always_inline]] int64_t of_image() const { return rows() * columns(); }
};

/// Channels of all images' pixels, `count` of them from `data` on, `stride` numbers from pixel to pixel.
template <class T>
struct Channels {
  T* data;
  int64_t stride, count;
};

/// Numbers at the points: for each of them a matrix with a row of channels for each patch, `row` numbers from row to row.
template <class T>
struct Points {
  T* data;
  int64_t point, row;
};

/// For the patches first <= i < last. Rows of `to` and `from` begin with that of the first one.
template <Isa>
struct WinogradLoops {
  /// to <- B^T x B; there are zeros around an image.
  static void of_x(Channels<const float> x, Patches patches, int64_t first, int64_t last, Points<float> to);

  /// to <- A g A^T
  static void of_g(Channels<const float> g, Patches patches, int64_t first, int64_t last, Points<float> to);

  /// y <- A^T from A + bias; bias may be null.
  static void to_y(Points<const float> from, const float* bias, Patches patches, int64_t first, int64_t last,
                   Channels<float> y);

  /// to[point][channel] <- G w G^T for the weights of so many channels, `place` numbers from one of the nine places to the
  /// next one, `point` from point to point.
  static void of_weight(const float* w, int64_t place, int64_t channels, float* to, int64_t point);

  /// w <- G^T from G
  static void to_weight(const float* from, int64_t point, int64_t channels, float* w, int64_t place);
};

}  // namespace ttfm::kernels
