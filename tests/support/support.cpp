// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "support/support.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <limits>

#include <ttfm/error.h>

namespace ttfm::test {

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

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "ttfm-test-XXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a temporary folder " + name);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string error_text(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "expected a ttfm::Error";
  return {};
}

}  // namespace ttfm::test
