// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/interface.h>

namespace ttfm {

/// A stream of random numbers without a state. (H)
///
/// Every number is a function of (seed, stage, step, stream name, global row, position in the row), by Philox4x32-10
/// (Salmon et al. 2011). The first dimension of what is drawn is the batch; its rows are numbered globally, so that
/// micro-batches and processes do not change a run. Drawing twice from one stream gives the same numbers twice: a
/// second independent draw takes a child().
class TTFM_API Stream final {
 public:
  /// Standard normal numbers of the given shape [B, ...], in the stream's dtype, on its device.
  Tensor normal(at::IntArrayRef shape) const;

  /// Uniform numbers in [0, 1), of the given shape [B, ...], in the stream's dtype, on its device.
  Tensor uniform(at::IntArrayRef shape) const;

  /// Uniform whole numbers in [0, below), int64, of the given shape [B, ...], on the stream's device. `below` >= 1.
  Tensor integers(at::IntArrayRef shape, int64_t below) const;

  /// An independent stream, named so that its numbers do not depend on the order of draws.
  Stream child(Name name) const;

  /// The same numbers in host memory: what is drawn there can be looked at without waiting for a device.
  Stream on_host() const;

  /// What a stream is, 32 bytes, frozen. Made by the host.
  struct Impl {
    uint64_t key = 0;        ///< hash of (seed, stage, step, names)
    int64_t row_offset = 0;  ///< global index of the first row
    int8_t device_type = 0;  ///< c10::DeviceType
    int8_t device_index = -1;
    int8_t dtype = 6;  ///< c10::ScalarType; float
    int8_t reserved[5] = {};
    uint64_t reserved1 = 0;  ///< room for a key that lies in a device's memory
  };
  explicit Stream(const Impl& impl) : impl_(impl) {}  ///< made by the host; tests and data sets make their own
  const Impl& impl() const { return impl_; }          ///< what the stream is

 private:
  Impl impl_;
};

}  // namespace ttfm
