// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <vector>

#include <ttfm/interface.h>

#include "nn/packed_matrix.h"

namespace ttfm::nn {

/// The gradient of a linear layer's weight, [out, in]: the sum of g y^T over rows, g the gradient of what the layer gave
/// and y what it took; of a dual over those of primal and tangent. Blocks of rows are laid out for the product while they
/// are in a core's cache. For types that have panels (PackedMatrix::has_panels()).
class WeightGradient {
 public:
  /// Of so many rows, which threads have in so many `parts`.
  WeightGradient(at::ScalarType type, int64_t rows, int64_t parts, int64_t out, int64_t in, bool dual);

  /// Some rows, each one contiguous and after the other.
  template <class T>
  struct Rows {
    const T *g, *y;
  };

  /// What parts have to begin at multiples of, where they begin at those of `together` anyway.
  int64_t step(int64_t together) const { return apart_ || together % 2 == 0 ? together : 2 * together; }

  /// Rows from <= i < from + count of a part, one block after the other by one thread: at most kBlock of them, and an even
  /// number but for the part's last. `tangent` is read of a dual. T is the type of the numbers.
  template <class T>
  void take(int64_t part, int64_t from, int64_t count, Rows<T> primal, Rows<T> tangent);

  static constexpr int64_t kBlock = PackedMatrix::kRows;

  /// In fp32, once all rows were taken.
  Tensor sum();

 private:
  /// Rows that were taken, and the sum of those before.
  struct Part {
    struct Operands {
      GroupedMatrix g;
      PackedMatrix y;
    };
    std::vector<Operands> operands;  ///< of the primal and, of a dual, the tangent
    int64_t rows = 0;
    Tensor sum;
  };

  Part empty_part(int64_t rows, bool dual) const;
  void add(Part& part) const;

  at::ScalarType type_;
  int64_t rows_, out_, in_;
  bool apart_;  ///< whether each part has a sum of its own
  std::vector<Part> parts_;
};

}  // namespace ttfm::nn
