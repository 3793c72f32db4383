// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "eval/metrics/histogram.h"

namespace ttfm::eval {

/// Kullback-Leibler divergence of histograms in the plane, from a fixed set of true samples.
///
///   KL(data || samples) = sum over bins with p > 0 of p log(p / q),  p = n_data / N,  q = max(n_samples, 1/2) / M
///
/// Domain: 50 x 50 equal bins on the box around the data, widened by 5% of its length at each side. A sample outside of
/// it counts in M and in no bin. Empty-bin rule: a bin with data and no sample counts as half a sample, so that the
/// value stays finite; bins without data add nothing. Two sets of one distribution do not give 0, so the value is read
/// beside the floor of the same sizes; 64,000 samples of each keep that floor low.
class HistogramKl {
 public:
  static constexpr int64_t kBins = 50;  // along each axis
  static constexpr double kMargin = 0.05;

  /// `data`: [N, 2]. Throws ttfm::Error (data) for another shape or a coordinate that is not finite.
  explicit HistogramKl(const at::Tensor& data);
  HistogramKl(const at::Tensor& data, const Domain& domain, int64_t bins);

  /// KL(data || samples) of `samples` [M, 2], M >= 1.
  double operator()(const at::Tensor& samples) const;

 private:
  Domain domain_;
  int64_t bins_;
  at::Tensor data_share_;  // p, [bins * bins]
};

}  // namespace ttfm::eval
