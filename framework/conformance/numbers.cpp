// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/conformance/numbers.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <limits>

namespace ttfm::conformance {

Stream stream(uint64_t seed, c10::ScalarType dtype) {
  Stream::Impl impl;
  impl.key = seed;
  impl.dtype = static_cast<int8_t>(dtype);
  return Stream(impl);
}

double max_difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  return a.numel() == 0 ? 0.0 : (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

double relative_error(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes()) return std::numeric_limits<double>::infinity();
  const double difference = at::linalg_vector_norm(a.to(at::kDouble) - b.to(at::kDouble)).item<double>();
  return difference / std::max(at::linalg_vector_norm(b.to(at::kDouble)).item<double>(), 1e-300);
}

}  // namespace ttfm::conformance
