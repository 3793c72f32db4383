// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <ttfm/interface.h>
#include <ttfm/random.h>

namespace ttfm::test {

/// A stream for tests, on the CPU.
Stream stream(uint64_t seed, c10::ScalarType dtype = c10::ScalarType::Float);

/// max |a - b|, after both shapes were found equal (a difference of shapes gives infinity).
double max_difference(const at::Tensor& a, const at::Tensor& b);

/// |a - b| / max(|b|, tiny), in the 2-norm.
double relative_error(const at::Tensor& a, const at::Tensor& b);

/// A new empty folder that is removed at the end of its life.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// A further interface of a component that has it.
template <class T>
const T& query_of(const Interface& component, uint32_t id) {
  return *static_cast<const T*>(component.query(id));
}

/// The text of the ttfm::Error that `action` throws; fails the test if it throws none.
std::string error_text(const std::function<void()>& action);

}  // namespace ttfm::test
