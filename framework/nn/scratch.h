// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <c10/core/Allocator.h>

#include <cstdint>

namespace ttfm::nn {

/// Memory for intermediate numbers, which grows to what it was asked for. A thread keeps what it gave back, up to some
/// MiB for each library that this is linked into, and takes it again: a step of attention has thousands of such blocks, each for some microseconds.
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { give_back(); }

  /// Memory for so many numbers, aligned as tensors are. What was there is lost.
  template <class T>
  T* get(int64_t count) {
    return static_cast<T*>(get_bytes(count * static_cast<int64_t>(sizeof(T))));
  }

 private:
  void* get_bytes(int64_t bytes);
  void give_back() noexcept;

  c10::DataPtr memory_;
  int64_t bytes_ = 0;
};

}  // namespace ttfm::nn
