// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/nn/linear.h>

namespace ttfm::nn {

/// [sin(w_1 tau) .. sin(w_K tau), cos(w_1 tau) .. cos(w_K tau)] for times tau [B] and frequencies w [K]: [B, 2K].
Tensor sinusoids(const Tensor& tau, const Tensor& frequencies);
Dual sinusoids(const Dual& tau, const Tensor& frequencies);  ///< the same, with its derivative

/// w_k = base k, k = 1 .. count.
Tensor harmonic_frequencies(int64_t count, double base);

/// `count` frequencies from `lowest` to `highest`, in geometric progression.
Tensor geometric_frequencies(int64_t count, double lowest, double highest);

/// A time as a vector: Linear(silu(Linear(sinusoids(tau)))), [B] to [B, width].
struct TimeEmbedding {
  Tensor frequencies;  ///< [K], not trained
  Tensor start;        ///< what the frequencies are
  Linear in;           ///< 2K to width
  Linear out;          ///< width to width

  /// `frequency_table` [K]; the sinusoids of a network's time in [0, 1] resolve about 1 / highest frequency.
  TimeEmbedding(const Tensor& frequency_table, int64_t width);

  void parameters(const Scope& scope);         ///< "frequencies", "in", "out"
  Tensor operator()(const Tensor& tau) const;  ///< [B] to [B, width]
  Dual operator()(const Dual& tau) const;      ///< the same, with its derivative
};

/// A vector for each label and one more, the last, for "no label".
struct LabelEmbedding {
  Tensor weight;  ///< [classes + 1, width]

  LabelEmbedding(int64_t classes, int64_t width);  ///< starts as N(0, 0.02^2)

  void parameters(const Scope& scope);  ///< "weight"

  /// label int64 [B] with values 0 .. classes, or undefined: no row has one. The result is [batch, width].
  Tensor operator()(const Tensor& label, int64_t batch) const;
};

/// The fixed position table of DiT: row y * columns + x is [sinusoids of x, sinusoids of y], frequencies 10000^(-4i/width)
/// for i = 0 .. width/4 - 1. [rows * columns, width]; `width` is a multiple of 4, else an error is thrown.
Tensor position_table(int64_t rows, int64_t columns, int64_t width);

}  // namespace ttfm::nn
