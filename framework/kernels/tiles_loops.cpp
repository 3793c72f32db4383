// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "kernels/tiles.h"

#ifdef __AMX_BF16__
#include <immintrin.h>

namespace ttfm::kernels {
namespace {

constexpr int64_t kTile = 1024;  // bytes: 16 rows of 64
constexpr int64_t kLanes = 16;

/// The units of this thread set up for tiles of 16 rows of 64 bytes, and as they were afterwards: LibTorch's kernels leave
/// their own set-up there.
class Units {
 public:
  Units() {
    _tile_storeconfig(&before_);
    Setup setup{};
    setup.palette = 1;
    for (int i = 0; i < 8; ++i) {
      setup.bytes[i] = 64;
      setup.rows[i] = 16;
    }
    _tile_loadconfig(&setup);
  }
  ~Units() {
    if (before_.palette != 0) {
      _tile_loadconfig(&before_);
    } else {
      _tile_release();
    }
  }
  Units(const Units&) = delete;
  Units& operator=(const Units&) = delete;

 private:
  struct alignas(64) Setup {
    uint8_t palette, start_row, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  };
  Setup before_;
};

/// Three parts of 16 pairs of numbers, the first of a pair in the lower half of its 32 bits.
struct Parts {
  __m512i part[3];
};

[[gnu::always_inline]] inline Parts split(__m512 a, __m512 b) {
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
  constexpr int kAOrBOfUpper = 0xf8;  // x | (y & z), of ternary logic
  Parts out;
  for (int i = 0; i < 3; ++i) {
    const __m512i of_a = _mm512_castps_si512(a), of_b = _mm512_castps_si512(b);
    out.part[i] = _mm512_ternarylogic_epi32(_mm512_srli_epi32(of_a, 16), of_b, upper, kAOrBOfUpper);
    // a NaN may become an infinity here, and what is left of it is a NaN again
    a = _mm512_sub_ps(a, _mm512_castsi512_ps(_mm512_and_si512(of_a, upper)));
    b = _mm512_sub_ps(b, _mm512_castsi512_ps(_mm512_and_si512(of_b, upper)));
  }
  return out;
}

void copy(const float* from, int64_t stride_from, float* to, int64_t stride_to, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) to[i * stride_to + j] = from[i * stride_from + j];
  }
}

/// out[j][i] = from[i * apart + j], 16 x 16
[[gnu::always_inline]] inline void load_turned(const float* from, int64_t apart, __m512 (&out)[kLanes]) {
  for (int64_t j = 0; j < kLanes; j += 4) {
    __m512 rows[4];  // rows i, i + 4, i + 8, i + 12 from column j on
    for (int64_t i = 0; i < 4; ++i) {
      const float* const row = from + i * apart + j;
      rows[i] = _mm512_castps128_ps512(_mm_loadu_ps(row));
      rows[i] = _mm512_insertf32x4(rows[i], _mm_loadu_ps(row + 4 * apart), 1);
      rows[i] = _mm512_insertf32x4(rows[i], _mm_loadu_ps(row + 8 * apart), 2);
      rows[i] = _mm512_insertf32x4(rows[i], _mm_loadu_ps(row + 12 * apart), 3);
    }
    const auto pair = [](__m512 a) { return _mm512_castps_pd(a); };
    const __m512d low0 = pair(_mm512_unpacklo_ps(rows[0], rows[1])), low2 = pair(_mm512_unpacklo_ps(rows[2], rows[3]));
    const __m512d high0 = pair(_mm512_unpackhi_ps(rows[0], rows[1])),
                  high2 = pair(_mm512_unpackhi_ps(rows[2], rows[3]));
    out[j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low0, low2));
    out[j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low0, low2));
    out[j + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high0, high2));
    out[j + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high0, high2));
  }
}

/// How numbers lie: contiguous along the depth or across it.
enum class Order { along, across };
/// Which numbers of a step share 32 bits: k and k + 16, or neighbours. Both operands of a product have the same.
enum class Pairs { apart, adjacent };
/// What the lines of the result are: rows (or columns) of the operand, each with 32 numbers, or pairs of numbers, each of 16
/// rows (columns).
enum class Lines { operand, pairs };

/// A step of 16 rows or columns, `apart` is from one to the next, or from a depth to the next: so many `operands` and so
/// much `depth` are there. Part p of line i goes to to[i * stride + p * part], for the first `lines` of 16.
template <Order order, Pairs pairs, Lines kind>
[[gnu::always_inline]] inline void split_tile(const float* from, int64_t apart, int64_t operands, int64_t depth,
                                              char* to, int64_t stride, int64_t part, int64_t lines = kLanes) {
  constexpr bool across = order == Order::across, adjacent = pairs == Pairs::adjacent;
  static_assert(across || !adjacent);
  alignas(64) float padded[kLanes * TileLoops::kDepth];
  if (operands < kLanes || depth < TileLoops::kDepth) {
    for (float& x : padded) x = 0;
    const int64_t wide = operands < kLanes ? operands : kLanes,
                  deep = depth < TileLoops::kDepth ? depth : TileLoops::kDepth;
    copy(from, apart, padded, across ? kLanes : TileLoops::kDepth, across ? deep : wide, across ? wide : deep);
    from = padded;
    apart = across ? kLanes : TileLoops::kDepth;
  }
  const int64_t to_second = adjacent ? apart : across ? kLanes * apart : kLanes;  // of the numbers of a pair
  const int64_t to_next = adjacent ? 2 * apart : apart;
  const auto store = [&](int64_t i, const Parts& parts) {
    for (int p = 0; p < 3; ++p) _mm512_store_si512(static_cast<void*>(to + i * stride + p * part), parts.part[p]);
  };
  if constexpr (across == (kind == Lines::pairs)) {
    for (int64_t i = 0; i < lines; ++i) {
      const float* const line = from + i * to_next;
      store(i, split(_mm512_loadu_ps(line), _mm512_loadu_ps(line + to_second)));
    }
  } else {
    __m512 first[kLanes], second[kLanes];
    load_turned(from, to_next, first);
    load_turned(from + to_second, to_next, second);
    for (int64_t i = 0; i < lines; ++i) store(i, split(first[i], second[i]));
  }
}

/// c (+)= a b for 32 rows and columns.
template <bool add>
[[gnu::always_inline]] inline void multiply_block(TileLoops::Left left, TileLoops::Right right, int64_t steps, float* c,
                                                  int64_t stride) {
  asm volatile("" ::: "memory");  // the compiler does not know that loads of tiles read memory
  const int64_t bytes = stride * static_cast<int64_t>(sizeof(float));
  float* const below = c + kLanes * stride;
  if constexpr (add) {
    _tile_loadd(0, c, bytes);
    _tile_loadd(1, c + kLanes, bytes);
    _tile_loadd(2, below, bytes);
    _tile_loadd(3, below + kLanes, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const int64_t lower = kLanes * left.stride;
  for (int64_t i = 0; i < steps; ++i) {
    const char* const a = left.data + left.offsets[i];
    const char* const b = right.data + i * right.step;
    // macros, since numbers of tiles are constants
#define TTFM_LEFT(p)                                       \
  _tile_loadd(4, a + TileLoops::kLine * (p), left.stride); \
  _tile_loadd(5, a + lower + TileLoops::kLine * (p), left.stride)
#define TTFM_RIGHT(p)                                     \
  _tile_loadd(6, b + right.part * (p), TileLoops::kLine); \
  _tile_loadd(7, b + right.half + right.part * (p), TileLoops::kLine)
#define TTFM_MULTIPLY()    \
  _tile_dpbf16ps(0, 4, 6); \
  _tile_dpbf16ps(1, 4, 7); \
  _tile_dpbf16ps(2, 5, 6); \
  _tile_dpbf16ps(3, 5, 7)
    enum { h, m, l };
    TTFM_LEFT(h);
    TTFM_RIGHT(l);
    TTFM_MULTIPLY();
    TTFM_RIGHT(m);
    TTFM_MULTIPLY();
    TTFM_LEFT(m);
    TTFM_MULTIPLY();
    TTFM_RIGHT(h);
    TTFM_MULTIPLY();
    TTFM_LEFT(l);
    TTFM_MULTIPLY();
    TTFM_LEFT(h);
    TTFM_MULTIPLY();
#undef TTFM_LEFT
#undef TTFM_RIGHT
#undef TTFM_MULTIPLY
  }
  _tile_stored(0, c, bytes);
  _tile_stored(1, c + kLanes, bytes);
  _tile_stored(2, below, bytes);
  _tile_stored(3, below + kLanes, bytes);
}

}  // namespace

void TileLoops::split_left(Matrix m, int64_t rows, int64_t depth, char* left) {
  const int64_t stride = left_stride(depth);
  for (int64_t i = 0; i < rows; i += kLanes) {
    for (int64_t k = 0; k < depth; k += kDepth) {
      char* const to = left + i * stride + k / kDepth * kStep;
      const float* const from = m.data + i * m.row + k * m.column;
      if (m.column == 1) {
        split_tile<Order::along, Pairs::apart, Lines::operand>(from, m.row, rows - i, depth - k, to, stride, kLine);
      } else {
        split_tile<Order::across, Pairs::apart, Lines::operand>(from, m.column, rows - i, depth - k, to, stride, kLine);
      }
    }
  }
}

void TileLoops::split_left_for_lines(Matrix m, int64_t rows, int64_t depth, char* left) {
  const int64_t stride = left_stride(depth);
  for (int64_t k = 0; k < depth; k += kDepth) {
    for (int64_t i = 0; i < rows; i += kLanes) {
      split_tile<Order::across, Pairs::adjacent, Lines::operand>(m.data + k * m.row + i, m.row, rows - i, depth - k,
                                                                 left + i * stride + k / kDepth * kStep, stride, kLine);
    }
  }
}

void TileLoops::split_right(Matrix m, int64_t depth, int64_t columns, char* right, int64_t panel, int64_t first,
                            int64_t last) {
  // the last half of a panel may lie beyond the columns: what is there makes numbers that nobody reads
  const int64_t end = last * kColumns < columns ? last * kColumns : columns;
  for (int64_t column = first * kColumns; column < end; column += kLanes) {
    const Right at = panels_at(right, depth);
    char* const half = right + column / kColumns * panel + (column % kColumns == 0 ? 0 : at.half);
    for (int64_t k = 0; k < depth; k += kDepth) {
      char* const to = half + k / kDepth * at.step;
      const float* const from = m.data + k * m.row + column * m.column;
      if (m.column == 1) {
        split_tile<Order::across, Pairs::apart, Lines::pairs>(from, m.row, columns - column, depth - k, to, kLine,
                                                              at.part);
      } else {
        split_tile<Order::along, Pairs::apart, Lines::pairs>(from, m.column, columns - column, depth - k, to, kLine,
                                                             at.part);
      }
    }
  }
}

void TileLoops::split_lines(Matrix m, int64_t depth, int64_t columns, char* lines) {
  const int64_t part = part_bytes(depth);
  for (int64_t column = 0; column < columns; column += kLanes) {
    for (int64_t k = 0; k < depth; k += kDepth) {
      const int64_t deep = depth - k;
      split_tile<Order::across, Pairs::adjacent, Lines::pairs>(m.data + k * m.row + column, m.row, columns - column,
                                                               deep, lines + column / kLanes * 3 * part + k / 2 * kLine,
                                                               kLine, part, deep < kDepth ? (deep + 1) / 2 : kLanes);
    }
  }
}

void TileLoops::multiply(Left left, Right right, int64_t steps, int64_t rows, int64_t columns, bool add, float* y,
                         int64_t stride) {
  const Units units;
  for (int64_t column = 0; column < columns; column += kColumns) {
    Right panel = right;
    panel.data += column / kColumns * right.panel;
    const int64_t width = columns - column < kColumns ? columns - column : kColumns;
    for (int64_t row = 0; row < rows; row += kRows) {
      const Left block{left.data + row * left.stride, left.stride, left.offsets};
      const int64_t height = rows - row < kRows ? rows - row : kRows;
      float* const c = y + row * stride + column;
      alignas(64) float edge[kRows * kColumns];
      const bool whole = width == kColumns && height == kRows;
      float* const to = whole ? c : edge;
      const int64_t apart = whole ? stride : kColumns;
      if (add) {
        if (!whole) copy(c, stride, edge, kColumns, height, width);
        multiply_block<true>(block, panel, steps, to, apart);
      } else {
        multiply_block<false>(block, panel, steps, to, apart);
      }
      if (!whole) copy(edge, kColumns, c, stride, height, width);
    }
  }
}

}  // namespace ttfm::kernels

#else  // another processor: supported(Isa::amx) is false, and nobody calls these

namespace ttfm::kernels {

void TileLoops::split_left(Matrix, int64_t, int64_t, char*) { __builtin_trap(); }
void TileLoops::split_left_for_lines(Matrix, int64_t, int64_t, char*) { __builtin_trap(); }
void TileLoops::split_right(Matrix, int64_t, int64_t, char*, int64_t, int64_t, int64_t) { __builtin_trap(); }
void TileLoops::split_lines(Matrix, int64_t, int64_t, char*) { __builtin_trap(); }
void TileLoops::multiply(Left, Right, int64_t, int64_t, int64_t, bool, float*, int64_t) { __builtin_trap(); }

}  // namespace ttfm::kernels

#endif
