// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/winograd.h"

#include "kernels/vector.h"

namespace ttfm::kernels {
namespace {

/// f(row, column, count, done) for the rows of patches, or parts of them, that make up first <= i < last: `count` from
/// `column` on after `done` others. Rows are counted through all images.
template <class F>
[[gnu::always_inline]] inline void over_rows(const Patches& patches, int64_t first, int64_t last, F&& f) {
  for (int64_t i = first; i < last;) {
    const int64_t column = i % patches.columns(), count = least(last - i, patches.columns() - column);
    f(i / patches.columns(), column, count, i - first);
    i += count;
  }
}

/// The row of pixels `offset` below the first one of a row of patches: the number of its first pixel, or -1 where the image
/// has no such row.
[[gnu::always_inline]] inline int64_t pixels_of(const Patches& patches, int64_t row, int64_t offset) {
  const int64_t image = row / patches.rows(), y = row % patches.rows() * 2 + offset;
  return y < 0 || y >= patches.height ? -1 : (image * patches.height + y) * patches.width;
}

/// to <- B^T [a b c d]
template <class V>
[[gnu::always_inline]] inline void b_transposed(const V& a, const V& b, const V& c, const V& d, V (&to)[4]) {
  to[0] = a - c;
  to[1] = b + c;
  to[2] = c - b;
  to[3] = b - d;
}

/// to <- A [a b]
template <class V>
[[gnu::always_inline]] inline void times_a(const V& a, const V& b, V (&to)[4]) {
  to[0] = a;
  to[1] = a + b;
  to[2] = a - b;
  to[3] = -b;
}

/// to <- A^T [a b c d]
template <class V>
[[gnu::always_inline]] inline void a_transposed(const V& a, const V& b, const V& c, const V& d, V (&to)[2]) {
  to[0] = a + b + c;
  to[1] = b - c - d;
}

/// to <- G [a b c]
template <class V>
[[gnu::always_inline]] inline void times_g(const V& a, const V& b, const V& c, V (&to)[4]) {
  to[0] = a;
  to[1] = .5f * (a + b + c);
  to[2] = .5f * (a - b + c);
  to[3] = c;
}

/// to <- G^T [a b c d]
template <class V>
[[gnu::always_inline]] inline void g_transposed(const V& a, const V& b, const V& c, const V& d, V (&to)[3]) {
  const V half = .5f * (b + c);
  to[0] = a + half;
  to[1] = .5f * (b - c);
  to[2] = half + d;
}

constexpr float kZeros[kLanes] = {};

}  // namespace

template <Isa isa>
void WinogradLoops<isa>::of_x(Channels<const float> x, Patches patches, int64_t first, int64_t last, Points<float> to) {
  over_rows(patches, first, last, [&](int64_t row, int64_t column, int64_t count, int64_t done) {
    const float* rows[4];
    int64_t steps[4];
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t pixel = pixels_of(patches, row, i - 1);
      rows[i] = pixel < 0 ? kZeros : x.data + pixel * x.stride;
      steps[i] = pixel < 0 ? 0 : x.stride;
    }
    each(x.count, [&]<class V>(int64_t channel) {
      // B^T of a column of pixels
      const auto transformed = [&](int64_t j, V(&d)[4]) {
        if (j < 0 || j >= patches.width) {
          for (V& pixel : d) pixel = V{};
          return;
        }
        V pixels[4];
        for (int64_t i = 0; i < 4; ++i) pixels[i] = read<V>(rows[i] + (steps[i] ? j * steps[i] + channel : 0));
        b_transposed(pixels[0], pixels[1], pixels[2], pixels[3], d);
      };
      V a[4], b[4], c[4], d[4];  // the patch's columns, of which the next one has the last two
      transformed(2 * column - 1, a);
      transformed(2 * column, b);
      float* at = to.data + done * to.row + channel;
      for (int64_t p = column; p < column + count; ++p, at += to.row) {
        transformed(2 * p + 1, c);
        transformed(2 * p + 2, d);
        for (int64_t i = 0; i < 4; ++i) {
          V points[4];
          b_transposed(a[i], b[i], c[i], d[i], points);
          for (int64_t j = 0; j < 4; ++j) write(at + (4 * i + j) * to.point, points[j]);
          a[i] = c[i];
          b[i] = d[i];
        }
      }
    });
  });
}

template <Isa isa>
void WinogradLoops<isa>::of_g(Channels<const float> g, Patches patches, int64_t first, int64_t last, Points<float> to) {
  over_rows(patches, first, last, [&](int64_t row, int64_t column, int64_t count, int64_t done) {
    const int64_t pixels[2] = {pixels_of(patches, row, 0), pixels_of(patches, row, 1)};
    each(g.count, [&]<class V>(int64_t channel) {
      const auto pixel = [&](int64_t i, int64_t j) {
        return pixels[i] < 0 || j >= patches.width ? V{} : read<V>(g.data + (pixels[i] + j) * g.stride + channel);
      };
      float* at = to.data + done * to.row + channel;
      for (int64_t p = column; p < column + count; ++p, at += to.row) {
        V left[4], right[4];
        times_a(pixel(0, 2 * p), pixel(1, 2 * p), left);
        times_a(pixel(0, 2 * p + 1), pixel(1, 2 * p + 1), right);
        for (int64_t i = 0; i < 4; ++i) {
          V points[4];
          times_a(left[i], right[i], points);
          for (int64_t j = 0; j < 4; ++j) write(at + (4 * i + j) * to.point, points[j]);
        }
      }
    });
  });
}

template <Isa isa>
void WinogradLoops<isa>::to_y(Points<const float> from, const float* bias, Patches patches, int64_t first, int64_t last,
                              Channels<float> y) {
  over_rows(patches, first, last, [&](int64_t row, int64_t column, int64_t count, int64_t done) {
    const int64_t pixels[2] = {pixels_of(patches, row, 0), pixels_of(patches, row, 1)};
    each(y.count, [&]<class V>(int64_t channel) {
      const V constant = bias ? read<V>(bias + channel) : V{};
      const float* at = from.data + done * from.row + channel;
      for (int64_t p = column; p < column + count; ++p, at += from.row) {
        V columns[4][2];
        for (int64_t j = 0; j < 4; ++j) {
          const auto point = [&](int64_t i) { return read<V>(at + (4 * i + j) * from.point); };
          a_transposed(point(0), point(1), point(2), point(3), columns[j]);
        }
        for (int64_t i = 0; i < 2; ++i) {
          if (pixels[i] < 0) continue;
          V results[2];
          a_transposed(columns[0][i], columns[1][i], columns[2][i], columns[3][i], results);
          float* const out = y.data + (pixels[i] + 2 * p) * y.stride + channel;
          write(out, results[0] + constant);
          if (2 * p + 1 < patches.width) write(out + y.stride, results[1] + constant);
        }
      }
    });
  });
}

template <Isa isa>
void WinogradLoops<isa>::of_weight(const float* w, int64_t place, int64_t channels, float* to, int64_t point) {
  each(channels, [&]<class V>(int64_t channel) {
    V columns[3][4];
    for (int64_t j = 0; j < 3; ++j) {
      const auto at = [&](int64_t i) { return read<V>(w + (3 * i + j) * place + channel); };
      times_g(at(0), at(1), at(2), columns[j]);
    }
    for (int64_t i = 0; i < 4; ++i) {
      V points[4];
      times_g(columns[0][i], columns[1][i], columns[2][i], points);
      for (int64_t j = 0; j < 4; ++j) write(to + (4 * i + j) * point + channel, points[j]);
    }
  });
}

template <Isa isa>
void WinogradLoops<isa>::to_weight(const float* from, int64_t point, int64_t channels, float* w, int64_t place) {
  each(channels, [&]<class V>(int64_t channel) {
    V columns[4][3];
    for (int64_t j = 0; j < 4; ++j) {
      const auto at = [&](int64_t i) { return read<V>(from + (4 * i + j) * point + channel); };
      g_transposed(at(0), at(1), at(2), at(3), columns[j]);
    }
    for (int64_t i = 0; i < 3; ++i) {
      V results[3];
      g_transposed(columns[0][i], columns[1][i], columns[2][i], columns[3][i], results);
      for (int64_t j = 0; j < 3; ++j) write(w + (3 * i + j) * place + channel, results[j]);
    }
  });
}

template struct WinogradLoops<Isa::TTFM_ISA>;

}  // namespace ttfm::kernels
