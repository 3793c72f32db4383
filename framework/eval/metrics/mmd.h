// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <ttfm/random.h>

namespace ttfm::eval {

/// Maximum mean discrepancy to a fixed set of true samples: the unbiased estimate of its square, which is around 0, and
/// half the time below, for two sets of one distribution.
///
///   MMD^2 = 1/(m(m-1)) sum_{i != j} k(x_i, x_j) + 1/(n(n-1)) sum_{i != j} k(y_i, y_j) - 2/(mn) sum_{i,j} k(x_i, y_j)
///   k(x, y) = 1/5 sum_c exp( -|x - y|^2 / (2 (c sigma)^2) ),  c = 1/4, 1/2, 1, 2, 4
///
/// sigma is the median distance between true samples (of at most 1000 rows), fixed for everything compared with them.
/// At most `max_samples` rows of either set are used, chosen at random by the stream: the cost grows with their product.
///
/// Source: Gretton, Borgwardt, Rasch, Schoelkopf, Smola, "A kernel two-sample test", JMLR 13, 2012, equation 3.
class Mmd {
 public:
  struct Options {
    int64_t max_samples = 2048;
  };

  /// `data`: [N, ...] true samples, N >= 2. Throws ttfm::Error (data) if there are fewer or most of them are equal.
  Mmd(const at::Tensor& data, const Stream& stream, const Options& options);
  Mmd(const at::Tensor& data, const Stream& stream) : Mmd(data, stream, Options()) {}

  /// MMD^2 between `samples` [M, ...], M >= 2, and the data.
  double operator()(const at::Tensor& samples) const;

  /// sigma.
  double bandwidth() const { return bandwidth_; }

 private:
  double kernel_sum(const at::Tensor& x, const at::Tensor& y) const;
  double mean_within(const at::Tensor& x) const;

  Stream stream_;
  Options options_;
  at::Tensor data_;  // the rows in use, as given
  double bandwidth_ = 1;
  double data_within_ = 0;  // the mean of k over pairs of the data
};

}  // namespace ttfm::eval
