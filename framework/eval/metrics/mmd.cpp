// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/mmd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>

#include <algorithm>
#include <cmath>
#include <string>

#include <ttfm/error.h>

#include "eval/rows.h"

namespace ttfm::eval {
namespace {

constexpr int64_t kRows = 256;  // of the matrix of distances, at a time
constexpr int64_t kMedianRows = 1000;
constexpr double kWidest = 4;  // c of the widest kernel; each narrower one halves it
constexpr int kKernels = 5;
constexpr double kSmallestShare = 1e-6;  // of the samples' size: distances below it are rounding

/// |x_i - y_j|^2 of [A, D] and [B, D].
Tensor square_distances(const Tensor& x, const Tensor& y) {
  const Tensor norms = x.square().sum(1, /*keepdim=*/true) + y.square().sum(1);
  return (norms - 2 * x.matmul(y.t())).clamp_min(0);
}

double median_distance(const Tensor& data) {
  const Tensor x = flat_double(rows_of(data, 0, std::min(data.size(0), kMedianRows)));
  const Tensor pairs = at::ones({x.size(0), x.size(0)}, x.options().dtype(at::kBool)).triu(1);
  return std::sqrt(value_of(square_distances(x, x).masked_select(pairs).median()));
}

}  // namespace

Mmd::Mmd(const Tensor& data, const Stream& stream, const Options& options) : stream_(stream), options_(options) {
  check_samples("MMD", data, data, 2);
  data_ = random_rows(data, options.max_samples, stream.child("data"));
  bandwidth_ = median_distance(data_);
  const double size = root_mean_square(value_of(flat_double(data_).square().sum()), data_.size(0));
  if (bandwidth_ <= kSmallestShare * size) {
    throw Error(ErrorKind::data, "MMD: most of the " + std::to_string(data_.size(0)) +
                                     " true samples are equal, so their median distance gives no bandwidth");
  }
  data_within_ = mean_within(data_);
}

double Mmd::kernel_sum(const Tensor& x, const Tensor& y) const {
  const double scale = -0.5 / (kWidest * kWidest * bandwidth_ * bandwidth_);
  double sum = 0;
  const Tensor all_y = flat_double(y);
  for_batches(x.size(0), kRows, [&](int64_t start, int64_t count) {
    Tensor kernel = (square_distances(flat_double(rows_of(x, start, count)), all_y) * scale).exp();
    Tensor total = kernel.sum();
    for (int i = 1; i < kKernels; ++i) {
      kernel = kernel.square().square();  // half the width is four times the exponent
      total = total + kernel.sum();
    }
    sum += value_of(total);
  });
  return sum / kKernels;
}

double Mmd::mean_within(const Tensor& x) const {
  const auto n = static_cast<double>(x.size(0));
  return (kernel_sum(x, x) - n) / (n * (n - 1));  // k(x_i, x_i) = 1
}

double Mmd::operator()(const Tensor& samples) const {
  check_samples("MMD", samples, data_, 2);
  const Tensor x = random_rows(samples, options_.max_samples, stream_.child("samples"));
  const double between = kernel_sum(x, data_) / static_cast<double>(x.size(0) * data_.size(0));
  return mean_within(x) + data_within_ - 2 * between;
}

}  // namespace ttfm::eval
