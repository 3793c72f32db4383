// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <ttfm/random.h>

namespace ttfm::eval {

/// Sliced Wasserstein distance to a fixed set of true samples.
///
///   SW2(a, b) = sqrt( 1/P sum_p W2^2(theta_p . a, theta_p . b) ),  theta_p uniform on the unit sphere
///   W2^2 of two sets of n numbers = 1/n sum_i (a_(i) - b_(i))^2, both sorted
///
/// Not multiplied by the dimension: a shift c of everything gives about |c| / sqrt(D). The projections come from the
/// stream, the same for every set that is compared. Both sets have the same size: rows of the larger one, chosen at
/// random by the stream, stand for it. Since a distance between finite sets is not 0 even for two true ones, it means
/// something only beside the floor of the same size.
///
/// Source: Rabin, Peyre, Delon, Bernot, "Wasserstein barycenter and its application to texture mixing", SSVM 2011;
/// Bonneel et al. 2015, section 2.
class SlicedWasserstein {
 public:
  struct Options {
    int64_t projections = 256;
  };

  /// `data`: [N, ...] true samples. Throws ttfm::Error (data) if it is empty.
  SlicedWasserstein(const at::Tensor& data, const Stream& stream, const Options& options);
  SlicedWasserstein(const at::Tensor& data, const Stream& stream) : SlicedWasserstein(data, stream, Options()) {}

  /// SW2 between `samples` [M, ...] and the data.
  double operator()(const at::Tensor& samples) const;

 private:
  at::Tensor sorted_projections(const at::Tensor& x) const;

  at::Tensor data_;
  Stream stream_;
  at::Tensor directions_;   // [D, P]
  at::Tensor sorted_data_;  // [P, N]
};

}  // namespace ttfm::eval
