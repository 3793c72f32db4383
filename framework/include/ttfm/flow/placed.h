// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace ttfm::flow {

/// An exact distribution, such as Gaussian, kept in double in host memory, with a copy of the dtype and on the device
/// that the last call needed: a run asks for one of each and pays for the copy once. `T` has `T to(at::TensorOptions)
/// const`. Asking changes the copy: for what is called from one thread at a time, as a teacher is.
template <class T>
class Placed {
 public:
  explicit Placed(T exact) : exact_(std::move(exact)), placed_(exact_) {}  ///< in host memory

  /// The distribution in x's dtype, on its device; until the next call.
  const T& like(const at::Tensor& x) const {
    if (x.device() != device_ || x.scalar_type() != dtype_) {
      placed_ = exact_.to(x.options());
      device_ = x.device();
      dtype_ = x.scalar_type();
    }
    return placed_;
  }

 private:
  T exact_;
  mutable T placed_;
  mutable at::Device device_ = at::kCPU;
  mutable at::ScalarType dtype_ = at::kDouble;
};

}  // namespace ttfm::flow
