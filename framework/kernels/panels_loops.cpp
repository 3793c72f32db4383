// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/panels.h"

#include "kernels/transpose.h"
#include "kernels/vector.h"

namespace ttfm::kernels {
namespace {

#if defined(__AVX512F__)
constexpr int kVectors = 4;  // of a row that are summed up at once: with kRows rows they fill the registers
#else
constexpr int kVectors = 2;
#endif
constexpr int kRows = kGroup;
constexpr int64_t kChunk = 128;  // units that are summed up before they are added to y: long sums round more

/// Eight units of whatever kind, and eight bfloat16.
typedef uint32_t Eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef uint16_t EightHalves __attribute__((vector_size(16), aligned(2), may_alias));

[[gnu::always_inline]] inline void read_eight(const float* p, Eight& to) { to = *reinterpret_cast<const Eight*>(p); }
[[gnu::always_inline]] inline void read_eight(const Bf16* p, Eight& to) {
  to = __builtin_convertvector(*reinterpret_cast<const EightHalves*>(p), Eight);
}

/// Rows of units as they lie in memory: element (i, j), or as many as a vector has from there on, or eight. whole(): whether
/// so many rows and columns from there on can be read as vectors.
template <class T>
struct Numbers {
  using Unit = float;
  const T* data;
  int64_t stride;

  [[gnu::always_inline]] float unit(int64_t i, int64_t j) const { return read<float>(data + i * stride + j); }
  [[gnu::always_inline]] Vector vector(int64_t i, int64_t j) const { return read<Wide>(data + i * stride + j); }
  [[gnu::always_inline]] void eight(int64_t i, int64_t j, Eight& to) const {
    Eight numbers;
    read_eight(data + i * stride + j, numbers);
    to = std::is_same_v<T, Bf16> ? numbers << 16 : numbers;
  }
  [[gnu::always_inline]] bool whole(int64_t, int64_t, int64_t, int64_t) const { return true; }
  [[gnu::always_inline]] void prefetch(int64_t i, int64_t j, int64_t rows, int64_t count) const {
    for (int64_t r = i; r < i + count && r < rows; ++r) __builtin_prefetch(data + r * stride + j);
  }
};

#ifdef __AVX512BF16__
/// Pairs of neighbours in a row of `depth` numbers.
struct PairsAlong {
  using Unit = Pair;
  const Bf16* data;
  int64_t stride, depth;

  [[gnu::always_inline]] Pair unit(int64_t i, int64_t j) const {
    const Bf16* const p = data + i * stride + 2 * j;
    return {p->bits, 2 * j + 1 < depth ? p[1].bits : uint16_t{0}};
  }
  [[gnu::always_inline]] Vector vector(int64_t i, int64_t j) const {
    return *reinterpret_cast<const Vector*>(data + i * stride + 2 * j);
  }
  [[gnu::always_inline]] bool whole(int64_t, int64_t j, int64_t, int64_t columns) const {
    return 2 * (j + columns) <= depth;
  }
  [[gnu::always_inline]] void prefetch(int64_t i, int64_t j, int64_t rows, int64_t count) const {
    for (int64_t r = i; r < i + count && r < rows; ++r) __builtin_prefetch(data + r * stride + 2 * j);
  }
};

/// Pairs of numbers below each other, in a column of `depth`.
struct PairsAcross {
  using Unit = Pair;
  const Bf16* data;
  int64_t stride, depth;

  [[gnu::always_inline]] Pair unit(int64_t i, int64_t j) const {
    const Bf16* const p = data + 2 * i * stride + j;
    return {p->bits, 2 * i + 1 < depth ? p[stride].bits : uint16_t{0}};
  }
  [[gnu::always_inline]] Vector vector(int64_t i, int64_t j) const {
    const Bf16* const p = data + 2 * i * stride + j;
    return __builtin_bit_cast(Vector, halves_at(p) | halves_at(p + stride) << 16);
  }
  [[gnu::always_inline]] void eight(int64_t i, int64_t j, Eight& to) const {
    const Bf16* const p = data + 2 * i * stride + j;
    Eight above, below;
    read_eight(p, above);
    read_eight(p + stride, below);
    to = above | below << 16;
  }
  /// As many from column j on as two vectors have, fours by turns in one and the other.
  [[gnu::always_inline]] void vectors(int64_t i, int64_t j, Vector& even_fours, Vector& odd_fours) const {
    const Bf16* const p = data + 2 * i * stride + j;
    const __m512i above = _mm512_loadu_si512(p), below = _mm512_loadu_si512(p + stride);
    even_fours = __builtin_bit_cast(Vector, _mm512_maskz_unpacklo_epi16(~__mmask32{}, above, below));
    odd_fours = __builtin_bit_cast(Vector, _mm512_maskz_unpackhi_epi16(~__mmask32{}, above, below));
  }
  [[gnu::always_inline]] bool whole(int64_t i, int64_t, int64_t rows, int64_t) const { return 2 * (i + rows) <= depth; }
  [[gnu::always_inline]] void prefetch(int64_t i, int64_t j, int64_t rows, int64_t count) const {
    for (int64_t r = i; r < i + count && r < rows; ++r) {
      __builtin_prefetch(data + 2 * r * stride + j);
      __builtin_prefetch(data + (2 * r + 1) * stride + j);
    }
  }
};
#endif

/// to[i][j] <- source, [rows, columns]
template <class Source>
[[gnu::always_inline]] inline void copy(const Source& source, int64_t rows, int64_t columns, typename Source::Unit* to,
                                        int64_t stride) {
  for (int64_t i = 0; i < rows; ++i) {
    int64_t j = 0;
    for (; j + kLanes <= columns && source.whole(i, j, 1, kLanes); j += kLanes) {
      *reinterpret_cast<Vector*>(to + i * stride + j) = source.vector(i, j);
    }
    for (; j < columns; ++j) to[i * stride + j] = source.unit(i, j);
  }
}

/// to[i] <- the columns from `column` on, at most kGroup of `columns`; kGroup units from one i to the next.
template <class Source>
[[gnu::always_inline]] inline void gather(const Source& source, int64_t rows, int64_t column, int64_t columns,
                                          typename Source::Unit* to) {
  int64_t i = 0;
  // eight are written, and two of them over again for the next i
  if (column + 8 <= columns) {
    for (; i + 1 < rows && source.whole(i, column, 1, 8); ++i) {
      source.eight(i, column, *reinterpret_cast<Eight*>(to + i * kGroup));
    }
  }
  const int64_t width = least(kGroup, columns - column);
  for (; i < rows; ++i) {
    for (int64_t j = 0; j < width; ++j) to[i * kGroup + j] = source.unit(i, column + j);
  }
}

/// to[j][i] <- source for as many rows as a vector has numbers, and so many columns or, where there are, twice as many:
/// how many were taken.
template <class Source>
[[gnu::always_inline]] inline int64_t transpose_some(const Source& source, int64_t row, int64_t column,
                                                     [[maybe_unused]] int64_t columns, typename Source::Unit* to,
                                                     int64_t stride) {
  Vector rows[kLanes];
#ifdef __AVX512BF16__
  if constexpr (std::is_same_v<Source, PairsAcross>) {
    if (columns - column >= 2 * kLanes) {
      Vector others[kLanes];
      for (int i = 0; i < kLanes; ++i) source.vectors(row + i, column, rows[i], others[i]);
      leave_transposed(rows, 8, to, stride);
      leave_transposed(others, 8, to + 4 * stride, stride);
      return 2 * kLanes;
    }
  }
#endif
  for (int i = 0; i < kLanes; ++i) rows[i] = source.vector(row + i, column);
  leave_transposed(rows, 4, to, stride);
  return kLanes;
}

/// to[j][i] <- source, [rows, columns]
template <class Source>
[[gnu::always_inline]] inline void transpose(const Source& source, int64_t rows, int64_t columns,
                                             typename Source::Unit* to, int64_t stride) {
  for (int64_t i = 0; i < rows; i += kLanes) {
    for (int64_t j = 0; j < columns;) {
      if (rows - i >= kLanes && columns - j >= kLanes && source.whole(i, j, kLanes, kLanes)) {
        source.prefetch(i + kLanes, j, rows, kLanes);
        j += transpose_some(source, i, j, columns, to + j * stride + i, stride);
        continue;
      }
      const int64_t end = least(columns, j + kLanes);
      for (; j < end; ++j) {
        for (int64_t a = i; a < least(rows, i + kLanes); ++a) to[j * stride + a] = source.unit(a, j);
      }
    }
  }
}

/// Units of which the depth runs along rows, or across them.
template <class T>
[[gnu::always_inline]] inline auto along(const T* data, int64_t stride, [[maybe_unused]] int64_t depth) {
#ifdef __AVX512BF16__
  if constexpr (std::is_same_v<T, Bf16>) {
    return PairsAlong{data, stride, depth};
  } else
#endif
    return Numbers<T>{data, stride};
}
template <class T>
[[gnu::always_inline]] inline auto across(const T* data, int64_t stride, [[maybe_unused]] int64_t depth) {
#ifdef __AVX512BF16__
  if constexpr (std::is_same_v<T, Bf16>) {
    return PairsAcross{data, stride, depth};
  } else
#endif
    return Numbers<T>{data, stride};
}

[[gnu::always_inline]] inline Vector sum_of(const Vector& sum, float a, const Vector& b) { return sum + a * b; }
#ifdef __AVX512BF16__
[[gnu::always_inline]] inline Vector sum_of(const Vector& sum, Pair a, const Vector& b) {
  const WideBits pair = WideBits{} + __builtin_bit_cast(uint32_t, a);
  return __builtin_bit_cast(Vector,
                            _mm512_dpbf16_ps(__builtin_bit_cast(__m512, sum), __builtin_bit_cast(__m512bh, pair),
                                             __builtin_bit_cast(__m512bh, b)));
}
#endif

/// to <- sum, or with `add` before + sum. (Loops that GCC unrolls on its own it unrolls too late: sum is in memory then.)
template <int rows, int vectors, class Y>
[[gnu::always_inline]] inline void leave(const Vector (&sum)[rows][vectors], bool add, const float* before,
                                         int64_t stride_before, Y* to, int64_t stride) {
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < vectors; ++j) {
      const Vector& so_far = vector_at(before + i * stride_before + j * kLanes);
      write<Wide>(to + i * stride + j * kLanes, add ? so_far + sum[i][j] : sum[i][j]);
    }
  }
}

/// y <- left right, or with `add` sums + left right, for so many rows and vectors of columns. What the last part of the
/// depth adds goes from the registers into y; sums, which may be y, has what was added before.
template <int rows, int vectors, class U, class Y>
[[gnu::noinline]] void multiply_block(const U* left, int64_t row, int64_t step, const U* right, int64_t depth, bool add,
                                      float* sums, int64_t stride_sums, Y* y, int64_t stride_y) {
  for (;; depth -= kChunk, add = true) {
    Vector sum[rows][vectors] = {};
    for (const U* const end = right + least(kChunk, depth) * kPanel; right != end; left += step, right += kPanel) {
      Vector of_right[vectors];
      for (int j = 0; j < vectors; ++j) of_right[j] = *reinterpret_cast<const Vector*>(right + j * kLanes);
      for (int i = 0; i < rows; ++i) {
        for (int j = 0; j < vectors; ++j) sum[i][j] = sum_of(sum[i][j], left[i * row], of_right[j]);
      }
    }
    if (depth <= kChunk) return leave(sum, add, sums, stride_sums, y, stride_y);
    leave(sum, add, sums, stride_sums, sums, stride_sums);
  }
}

/// to <- from, [rows, columns], in the other's type of number.
template <class From, class To>
[[gnu::always_inline]] inline void convert(const From* from, int64_t stride_from, To* to, int64_t stride_to,
                                           int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i, from += stride_from, to += stride_to) {
    each(columns, [&]<class W>(int64_t c) { write(to + c, read<W>(from + c)); });
  }
}

/// What is the same for all blocks of a call.
template <class U, class Y>
struct Call {
  LeftOperand<U> left;
  int64_t depth;
  const float* bias;
  bool add;
  Y* y;
  int64_t stride_y;
};

/// A block of rows from `row` on, and the columns from `column` on, `width` of them.
template <int rows, int vectors, class U, class Y>
[[gnu::always_inline]] inline void multiply_rows(const Call<U, Y>& call, int64_t row, int64_t column, int64_t width,
                                                 const U* right) {
  constexpr int64_t kWidth = vectors * kLanes;
  Y* const y = call.y + row * call.stride_y + column;
  const auto multiply_into = [&](auto* to, int64_t stride, float* sums, int64_t stride_sums) {
    if (call.bias) convert(call.bias + column, 0, sums, stride_sums, rows, width);
    const LeftOperand<U>& left = call.left;
    multiply_block<rows, vectors>(left.units + row / kRows * left.group, left.row, left.step, right, call.depth,
                                  call.add || call.bias, sums, stride_sums, to, stride);
  };
  if constexpr (std::is_same_v<Y, float>) {
    if (width == kWidth) return multiply_into(y, call.stride_y, y, call.stride_y);
  }
  alignas(Wide) float sums[rows * kWidth];
  if (call.add) convert(y, call.stride_y, sums, kWidth, rows, width);
  if constexpr (!std::is_same_v<Y, float>) {
    if (width == kWidth) return multiply_into(y, call.stride_y, sums, kWidth);
  }
  multiply_into(sums, kWidth, sums, kWidth);
  convert(sums, kWidth, y, call.stride_y, rows, width);
}

template <int vectors, class U, class Y>
void multiply_columns(const Call<U, Y>& call, int64_t rows, int64_t column, int64_t width, const U* right) {
  // few columns leave registers for more rows, which hide how long a sum takes
  int64_t row = 0;
  if constexpr (constexpr int kTall = 2 * kRows; 2 * vectors <= kVectors) {
    const bool evenly = call.left.group == kRows * call.left.row;  // from one group's rows to the next one's too
    for (; evenly && row + kTall <= rows; row += kTall) multiply_rows<kTall, vectors>(call, row, column, width, right);
  }
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
void PanelLoops<isa>::pack(StridedMatrix<T> m, int64_t k, int64_t n, Unit<T>* panels, int64_t panel, int64_t first,
                           int64_t last) {
  const int64_t deep = units<T>(k);
  for (int64_t p = first; p < last; ++p) {
    const int64_t start = p * kPanel, width = least(kPanel, n - start);
    Unit<T>* const to = panels + p * panel;
    const T* const from = m.data + start * m.column;
    if (m.column == 1) {
      copy(across<T>(from, m.row, k), deep, width, to, kPanel);
    } else {
      transpose(along<T>(from, m.column, k), width, deep, to, kPanel);
    }
    for (int64_t i = 0; i < deep && width < kPanel; ++i) {
      // units have the size of a float, and zero bits
      fill(reinterpret_cast<float*>(to + i * kPanel + width), kPanel - width, 0);
    }
  }
}

template <Isa isa>
template <class T>
void PanelLoops<isa>::load(StridedMatrix<T> m, int64_t rows, int64_t depth, Unit<T>* to, int64_t stride) {
  if (m.column == 1) {
    copy(along<T>(m.data, m.row, depth), rows, units<T>(depth), to, stride);
  } else {
    transpose(across<T>(m.data, m.column, depth), units<T>(depth), rows, to, stride);
  }
}

template <Isa isa>
template <class T>
void PanelLoops<isa>::group(StridedMatrix<T> m, int64_t depth, int64_t columns, Unit<T>* to, int64_t group) {
  const int64_t deep = units<T>(depth);
  for (int64_t column = 0; column < columns; column += kGroup, to += group) {
    gather(across<T>(m.data, m.row, depth), deep, column, columns, to);
  }
}

template <Isa isa>
template <class U, class Y>
void PanelLoops<isa>::multiply(LeftOperand<U> left, const U* right, int64_t panel, int64_t depth, int64_t rows,
                               int64_t columns, const float* bias, bool add, Y* y, int64_t stride_y) {
  const Call<U, Y> call{left, depth, bias, add, y, stride_y};
  constexpr int64_t kWidth = kVectors * kLanes;
  static_assert(kPanel % kWidth == 0);
  for (int64_t column = 0; column < columns; column += kWidth) {
    const int64_t width = least(kWidth, columns - column);
    const U* const at = right + column / kPanel * panel + column % kPanel;
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

using Loops = PanelLoops<Isa::TTFM_ISA>;
template struct PanelLoops<Isa::TTFM_ISA>;
template void Loops::pack(StridedMatrix<float>, int64_t, int64_t, float*, int64_t, int64_t, int64_t);
template void Loops::pack(StridedMatrix<Bf16>, int64_t, int64_t, Unit<Bf16>*, int64_t, int64_t, int64_t);
template void Loops::load(StridedMatrix<float>, int64_t, int64_t, float*, int64_t);
template void Loops::load(StridedMatrix<Bf16>, int64_t, int64_t, Unit<Bf16>*, int64_t);
template void Loops::group(StridedMatrix<float>, int64_t, int64_t, float*, int64_t);
template void Loops::group(StridedMatrix<Bf16>, int64_t, int64_t, Unit<Bf16>*, int64_t);
template void Loops::multiply(LeftOperand<float>, const float*, int64_t, int64_t, int64_t, int64_t, const float*, bool,
                              float*, int64_t);
template void Loops::multiply(LeftOperand<Unit<Bf16>>, const Unit<Bf16>*, int64_t, int64_t, int64_t, int64_t,
                              const float*, bool, Bf16*, int64_t);
#ifdef __AVX512BF16__
template void Loops::multiply(LeftOperand<Pair>, const Pair*, int64_t, int64_t, int64_t, int64_t, const float*, bool,
                              float*, int64_t);
#endif

}  // namespace ttfm::kernels
