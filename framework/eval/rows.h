// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include <ttfm/random.h>

/// Small helpers on sets of samples [N, ...]: a row is a sample.
namespace ttfm::eval {

using at::Tensor;

/// Calls action(start, count) for consecutive pieces of at most `batch` of `rows` rows.
void for_batches(int64_t rows, int64_t batch, const std::function<void(int64_t start, int64_t count)>& action);

/// Rows start .. start + count - 1; undefined stays undefined.
Tensor rows_of(const Tensor& x, int64_t start, int64_t count);

/// [N, ...] as [N, D] in double, the type in which every metric is summed.
Tensor flat_double(const Tensor& x);

/// sqrt(mean of the squares) over samples of the 2-norm of each, from the sum over all of |.|^2.
double root_mean_square(double sum, int64_t samples);

/// The value of a tensor of one element. Waits for the device.
double value_of(const Tensor& x);

/// `count` rows chosen at random without repetition (all of them, in their order, where there are no more), the same
/// for the same stream and sizes.
Tensor random_rows(const Tensor& x, int64_t count, const Stream& stream);

/// The stream's numbers in double, in host memory.
Stream host_double(const Stream& stream);

/// Throws ttfm::Error (internal) with both shapes unless a and b have the same one.
void check_same_shape(const char* where, const Tensor& a, const Tensor& b);

/// Throws ttfm::Error (data) unless x is a set [N, ...] of at least `least` samples of the size of `like`'s.
void check_samples(const char* where, const Tensor& x, const Tensor& like, int64_t least);

}  // namespace ttfm::eval
