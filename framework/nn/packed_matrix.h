// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "kernels/strided_matrix.h"
#include "nn/scratch.h"
#include "nn/tile_product.h"

namespace ttfm::nn {

using kernels::StridedMatrix;

class GroupedMatrix;

/// The right-hand side of products on the CPU, laid out once so that many rows pass over it: each block of rows is
/// multiplied while it is in a core's cache, by the processor's matrix units (kernels/tiles.h) or its vectors
/// (kernels/panels.h). What is done to the rows before or after can so be done in the cache too. Numbers T are float or
/// kernels::Bf16; sums are of floats.
class PackedMatrix {
 public:
  /// Rows that are multiplied at once.
  static constexpr int64_t kRows = 64;

  /// Whether this processor has what it takes for numbers of that type: without, LibTorch's products are the fastest, and
  /// nothing else here may be called.
  static bool supported(at::ScalarType type);

  /// Whether it is laid out in panels and not for matrix units.
  static bool has_panels(at::ScalarType type);

  /// Whether m [k, n] is worth packing for so many rows, and of a kind that can be: of a type that is supported, in host
  /// memory, a dense matrix or its transpose.
  static bool worth_it(const at::Tensor& m, int64_t rows);

  /// Rows that are worth a thread: those of some four million operations.
  static int64_t rows_for_a_thread(int64_t k, int64_t n) { return std::max(kRows, (int64_t{1} << 21) / (k * n)); }

  explicit PackedMatrix(const at::Tensor& m);

  /// m [k, n]; the work is shared among threads.
  template <class T>
  PackedMatrix(StridedMatrix<T> m, int64_t k, int64_t n);

  /// Memory for one [k, n] that put() gives its rows; where has_panels().
  template <class T>
  static PackedMatrix without_numbers(int64_t k, int64_t n);

  /// Lays out m as its rows first <= i < first + count, on this thread; `first` is even.
  template <class T>
  void put(int64_t first, int64_t count, StridedMatrix<T> m);

  /// Its first k rows and n columns, in the same memory.
  PackedMatrix leading(int64_t k, int64_t n) const;

  /// Its rows first <= i < first + count, in the same memory; `first` is even, and there are panels.
  template <class T>
  PackedMatrix rows(int64_t first, int64_t count) const;

  /// y <- x m + bias on this thread, or y <- y + x m with `add`; x [rows, k], bias [n] or null, y [rows, n] with `stride_y`
  /// numbers from row to row, floats or rounded once from them.
  template <class T, class Y>
  void multiply(StridedMatrix<T> x, int64_t rows, const float* bias, bool add, Y* y, int64_t stride_y) const;

  /// y <- left m, or y <- y + left m with `add`, rows first <= i < last of it, on this thread. This has panels, and `first` is
  /// a multiple of GroupedMatrix::kRows.
  template <class T>
  void multiply(const GroupedMatrix& left, int64_t first, int64_t last, bool add, float* y, int64_t stride_y) const;

 private:
  PackedMatrix(int64_t k, int64_t n) : k_(k), n_(n) {}

  template <class T>
  void pack(StridedMatrix<T> m);
  template <class T>
  void allocate();

  int64_t k_, n_;
  int64_t panel_ = 0;  ///< units from one panel to the next one
  std::shared_ptr<Scratch> memory_;
  void* panels_ = nullptr;
  std::optional<TilePanels> tiles_;  ///< instead of panels
};

/// The left-hand side [m, k] of a product with a PackedMatrix that has panels, where the columns come and are laid out so
/// that nothing is transposed: those of some rows side by side.
class GroupedMatrix {
 public:
  static constexpr int64_t kRows = 6;

  /// Memory for so many rows and columns.
  template <class T>
  static GroupedMatrix without_numbers(int64_t m, int64_t k);

  /// Lays out x [count, m] as its columns first <= i < first + count, on this thread; `first` is even.
  template <class T>
  void put(int64_t first, int64_t count, StridedMatrix<T> x);

  /// Its columns from `first` on, in the same memory; `first` is even.
  template <class T>
  GroupedMatrix from(int64_t first) const;

 private:
  friend class PackedMatrix;

  int64_t m_ = 0;
  int64_t group_ = 0;  ///< units from one group of rows to the next one
  std::shared_ptr<Scratch> memory_;
  void* units_ = nullptr;
};

}  // namespace ttfm::nn
