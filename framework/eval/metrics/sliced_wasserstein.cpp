// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/sliced_wasserstein.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/sort.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "eval/rows.h"

namespace ttfm::eval {
namespace {

constexpr int64_t kRows = 1024;  // converted to double at a time

/// P directions of D numbers, uniform on the unit sphere.
Tensor unit_directions(int64_t dimension, int64_t projections, const Stream& stream) {
  const Tensor normal = host_double(stream).normal({projections, dimension});
  return (normal / at::linalg_vector_norm(normal, 2, 1, /*keepdim=*/true)).t();
}

}  // namespace

SlicedWasserstein::SlicedWasserstein(const Tensor& data, const Stream& stream, const Options& options)
    : data_(data), stream_(stream) {
  check_samples("sliced Wasserstein", data, data, 1);
  directions_ = unit_directions(data.numel() / data.size(0), options.projections, stream.child("directions"));
  directions_ = directions_.to(data.device());
  sorted_data_ = sorted_projections(data);
}

Tensor SlicedWasserstein::sorted_projections(const Tensor& x) const {
  std::vector<Tensor> parts;
  for_batches(x.size(0), kRows, [&](int64_t start, int64_t count) {
    parts.push_back(flat_double(rows_of(x, start, count)).matmul(directions_));
  });
  return std::get<0>(at::cat(parts).t().contiguous().sort(1));
}

double SlicedWasserstein::operator()(const Tensor& samples) const {
  check_samples("sliced Wasserstein", samples, data_, 1);
  const Stream subset = stream_.child("subset");
  const int64_t size = std::min(samples.size(0), data_.size(0));
  const Tensor& b = size == data_.size(0) ? sorted_data_ : sorted_projections(random_rows(data_, size, subset));
  const Tensor a = sorted_projections(random_rows(samples, size, subset));
  return std::sqrt(value_of((a - b).square().mean()));
}

}  // namespace ttfm::eval
