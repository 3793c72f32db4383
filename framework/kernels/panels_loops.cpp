// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/panels.h"

namespace ttfm::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kVectors = 4;  // of a row that are summed up at once: with kRows rows they fill the registers
#define TTFM_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define TTFM_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX2__)
constexpr int kLanes = 8;
constexpr int kVectors = 2;
#define TTFM_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define TTFM_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
constexpr int kLanes = 4;
constexpr int kVectors = 2;
#define TTFM_LOW 0, 4, 1, 5
#define TTFM_HIGH 2, 6, 3, 7
#endif
constexpr int kRows = 6;
constexpr int64_t kChunk = 128;  // numbers that are summed up before they are added to y: long sums round more

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));

typedef uint32_t Bits __attribute__((vector_size(kLanes * sizeof(uint32_t))));
typedef uint16_t HalfBits __attribute__((vector_size(kLanes * sizeof(uint16_t)), aligned(alignof(uint16_t)), may_alias));

[[gnu::always_inline]] inline Vector& vector_at(float* p) { return *reinterpret_cast<Vector*>(p); }
[[gnu::always_inline]] inline const Vector& vector_at(const float* p) { return *reinterpret_cast<const Vector*>(p); }
[[gnu::always_inline]] inline Vector vector_at(const Bf16* p) {
  const Bits bits = __builtin_convertvector(*reinterpret_cast<const HalfBits*>(p), Bits) << 16;
  return reinterpret_cast<const Vector&>(bits);
}

[[gnu::always_inline]] inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

template <class T>
[[gnu::always_inline]] inline void copy(const T* from, int64_t stride_from, float* to, int64_t stride_to, int64_t rows,
                                        int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
#pragma omp simd
    for (int64_t j = 0; j < columns; ++j) {
      to[i * stride_to + j] = Number<Isa::TTFM_ISA>::load(from + i * stride_from + j);
    }
  }
}

/// to[j][i] <- from[i][j] for a square of vectors. Each pass puts rows i and i + n / 2 into rows 2 i and 2 i + 1, one number
/// of each after the other; after log2(n) of them every number is at its place.
template <class T>
[[gnu::always_inline]] inline void transpose_square(const T* from, int64_t stride_from, float* to, int64_t stride_to) {
  Vector rows[kLanes];
  for (int i = 0; i < kLanes; ++i) rows[i] = vector_at(from + i * stride_from);
  for (int pass = 1; pass < kLanes; pass *= 2) {
    Vector next[kLanes];
    for (int i = 0; i < kLanes / 2; ++i) {
      next[2 * i] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], TTFM_LOW);
      next[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], TTFM_HIGH);
    }
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
  for (int i = 0; i < kLanes; ++i) vector_at(to + i * stride_to) = rows[i];
}

/// to [columns, rows] <- the transpose of from [rows, columns]; strides are those of rows.
template <class T>
void transpose(const T* from, int64_t stride_from, int64_t rows, int64_t columns, float* to, int64_t stride_to) {
  for (int64_t i = 0; i < rows; i += kLanes) {
    for (int64_t j = 0; j < columns; j += kLanes) {
      const T* const tile = from + i * stride_from + j;
      float* const out = to + j * stride_to + i;
      if (rows - i >= kLanes && columns - j >= kLanes) {
        transpose_square(tile, stride_from, out, stride_to);
        continue;
      }
      for (int64_t a = 0; a < least(kLanes, rows - i); ++a) {
        for (int64_t b = 0; b < least(kLanes, columns - j); ++b) {
          out[b * stride_to + a] = Number<Isa::TTFM_ISA>::load(tile + a * stride_from + b);
        }
      }
    }
  }
}

/// y (+)= left right for so many rows and vectors of columns.
template <int rows, int vectors>
void multiply_block(const float* left, int64_t stride_left, const float* right, const Step* steps, int64_t count,
                    bool add, float* y, int64_t stride_y) {
  const Step* step = steps;
  const Step* const end = steps + count;
  int64_t done = 0;  // of the step's numbers
  do {
    Vector sum[rows][vectors] = {};
    for (int64_t room = kChunk; room > 0 && step != end;) {
      const float* a = left + step->left + done;
      const float* b = right + step->right + done * kPanel;
      const int64_t depth = least(room, step->depth - done);
      for (const float* const last = a + depth; a != last; ++a, b += kPanel) {
        Vector of_right[vectors];
        for (int j = 0; j < vectors; ++j) of_right[j] = vector_at(b + j * kLanes);
        for (int i = 0; i < rows; ++i) {
          for (int j = 0; j < vectors; ++j) sum[i][j] += a[i * stride_left] * of_right[j];
        }
      }
      room -= depth;
      done += depth;
      if (done == step->depth) {
        ++step;
        done = 0;
      }
    }
    for (int i = 0; i < rows; ++i) {
      for (int j = 0; j < vectors; ++j) {
        Vector& out = vector_at(y + i * stride_y + j * kLanes);
        out = add ? out + sum[i][j] : sum[i][j];
      }
    }
    add = true;
  } while (step != end);
}

/// What is the same for all blocks of a call.
struct Call {
  const float* left;
  int64_t stride_left;
  const Step* steps;
  int64_t count;
  bool add;
  float* y;
  int64_t stride_y;
};

/// A block of rows from `row` on, and the columns from `column` on, `width` of them.
template <int rows, int vectors>
[[gnu::always_inline]] inline void multiply_rows(const Call& call, int64_t row, int64_t column, int64_t width,
                                                 const float* right) {
  const float* const left = call.left + row * call.stride_left;
  float* const y = call.y + row * call.stride_y + column;
  if (width == vectors * kLanes) {
    multiply_block<rows, vectors>(left, call.stride_left, right, call.steps, call.count, call.add, y, call.stride_y);
    return;
  }
  alignas(Vector) float edge[rows * vectors * kLanes];
  if (call.add) copy(y, call.stride_y, edge, vectors * kLanes, rows, width);
  multiply_block<rows, vectors>(left, call.stride_left, right, call.steps, call.count, call.add, edge,
                                vectors * kLanes);
  copy(edge, vectors * kLanes, y, call.stride_y, rows, width);
}

template <int vectors>
void multiply_columns(const Call& call, int64_t rows, int64_t column, int64_t width, const float* right) {
  // few columns leave registers for more rows, which hide how long a sum takes
  constexpr int kTall = 2 * vectors <= kVectors ? 2 * kRows : kRows;
  int64_t row = 0;
  for (; row + kTall <= rows; row += kTall) multiply_rows<kTall, vectors>(call, row, column, width, right);
  for (; row + kRows <= rows; row += kRows) multiply_rows<kRows, vectors>(call, row, column, width, right);
  static_assert(kRows == 6);
  switch (rows - row) {
    case 1:
      return multiply_rows<1, vectors>(call, row, column, width, right);
    case 2:
      return multiply_rows<2, vectors>(call, row, column, width, right);
    case 3:
      return multiply_rows<3, vectors>(call, row, column, width, right);
    case 4:
      return multiply_rows<4, vectors>(call, row, column, width, right);
    case 5:
      return multiply_rows<5, vectors>(call, row, column, width, right);
  }
}

}  // namespace

template <Isa isa>
template <class T>
void PanelLoops<isa>::pack(StridedMatrix<T> m, int64_t k, int64_t n, float* panels, int64_t first, int64_t last) {
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t start = panel * kPanel, width = least(kPanel, n - start);
    float* const to = panels + panel * k * kPanel;
    load(StridedMatrix<T>{m.data + start * m.column, m.row, m.column}, k, width, to, kPanel);
    for (int64_t i = 0; i < k && width < kPanel; ++i) {
      for (int64_t j = width; j < kPanel; ++j) to[i * kPanel + j] = 0;
    }
  }
}

template <Isa isa>
template <class T>
void PanelLoops<isa>::load(StridedMatrix<T> m, int64_t rows, int64_t columns, float* to, int64_t stride) {
  if (m.column == 1) {
    copy(m.data, m.row, to, stride, rows, columns);
  } else {
    transpose(m.data, m.column, columns, rows, to, stride);
  }
}

template <Isa isa>
void PanelLoops<isa>::multiply(const float* left, int64_t stride_left, const float* right, int64_t panel,
                               const Step* steps, int64_t count, int64_t rows, int64_t columns, bool add, float* y,
                               int64_t stride_y) {
  const Call call{left, stride_left, steps, count, add, y, stride_y};
  constexpr int64_t kWidth = kVectors * kLanes;
  static_assert(kPanel % kWidth == 0);
  for (int64_t column = 0; column < columns; column += kWidth) {
    const int64_t width = least(kWidth, columns - column);
    const float* const at = right + column / kPanel * panel + column % kPanel;
    switch ((width + kLanes - 1) / kLanes) {
      case 1:
        multiply_columns<1>(call, rows, column, width, at);
        break;
      case 2:
        multiply_columns<2>(call, rows, column, width, at);
        break;
#ifdef __AVX512F__
      case 3:
        multiply_columns<3>(call, rows, column, width, at);
        break;
      case 4:
        multiply_columns<4>(call, rows, column, width, at);
        break;
#endif
    }
  }
}

template struct PanelLoops<Isa::TTFM_ISA>;
template void PanelLoops<Isa::TTFM_ISA>::pack(StridedMatrix<float>, int64_t, int64_t, float*, int64_t, int64_t);
template void PanelLoops<Isa::TTFM_ISA>::pack(StridedMatrix<Bf16>, int64_t, int64_t, float*, int64_t, int64_t);
template void PanelLoops<Isa::TTFM_ISA>::load(StridedMatrix<float>, int64_t, int64_t, float*, int64_t);
template void PanelLoops<Isa::TTFM_ISA>::load(StridedMatrix<Bf16>, int64_t, int64_t, float*, int64_t);

}  // namespace ttfm::kernels
