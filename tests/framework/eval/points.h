// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/ops/tensor.h>

#include <vector>

namespace ttfm::test {

/// Doubles [N, columns] from numbers in the order of their rows.
inline at::Tensor points(const std::vector<double>& values, int64_t columns) {
  return at::tensor(values, at::TensorOptions().dtype(at::kDouble)).view({-1, columns});
}

}  // namespace ttfm::test
