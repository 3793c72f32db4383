// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/metrics/distances.h"

#include <ATen/TensorOperators.h>

#include <cmath>

#include "eval/rows.h"

namespace ttfm::eval {
namespace {

constexpr int64_t kRows = 1024;  // converted to double at a time

double sum_of_squares(const Tensor& a) {
  double sum = 0;
  for_batches(a.size(0), kRows, [&](int64_t start, int64_t count) {
    sum += value_of(flat_double(rows_of(a, start, count)).square().sum());
  });
  return sum;
}

double sum_of_square_differences(const Tensor& a, const Tensor& b) {
  double sum = 0;
  for_batches(a.size(0), kRows, [&](int64_t start, int64_t count) {
    sum += value_of((flat_double(rows_of(a, start, count)) - flat_double(rows_of(b, start, count))).square().sum());
  });
  return sum;
}

}  // namespace

double rmse(const Tensor& a, const Tensor& b) {
  check_same_shape("rmse", a, b);
  return root_mean_square(sum_of_square_differences(a, b), a.size(0));
}

double rmse_per_element(const Tensor& a, const Tensor& b) {
  check_same_shape("rmse_per_element", a, b);
  return root_mean_square(sum_of_square_differences(a, b), a.numel());
}

double relative_l2(const Tensor& a, const Tensor& b) {
  check_same_shape("relative_l2", a, b);
  return std::sqrt(sum_of_square_differences(a, b) / sum_of_squares(b));
}

}  // namespace ttfm::eval
