// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <ttfm/random.h>

/// Random numbers for tests, and how far two tensors lie apart.
namespace ttfm::conformance {

/// A stream for tests, on the CPU.
Stream stream(uint64_t seed, c10::ScalarType dtype = c10::ScalarType::Float);

/// max |a - b|, after both shapes were found equal (a difference of shapes gives infinity).
double max_difference(const at::Tensor& a, const at::Tensor& b);

/// |a - b| / max(|b|, tiny), in the 2-norm.
double relative_error(const at::Tensor& a, const at::Tensor& b);

}  // namespace ttfm::conformance
