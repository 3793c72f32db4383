// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/Parallel.h>

namespace ttfm::test {

/// As many threads as a test wants, while it lives.
class WithThreads {
 public:
  explicit WithThreads(int threads) { at::set_num_threads(threads); }
  WithThreads(const WithThreads&) = delete;
  WithThreads& operator=(const WithThreads&) = delete;
  ~WithThreads() { at::set_num_threads(before_); }

 private:
  int before_ = at::get_num_threads();
};

}  // namespace ttfm::test
