// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/interface.h>

namespace ttfm {

/// How the host treats a parameter; bits of ParameterSet::parameter's `flags`.
namespace parameter_flag {
inline constexpr uint32_t kNoDecay = 1;    ///< no weight decay: biases, norms, embeddings
inline constexpr uint32_t kKeepFloat = 2;  ///< stays in fp32 when the rest of a network computes in bf16
}  // namespace parameter_flag

/// Where a component names its weights. (H)
///
/// The host keeps the addresses of the tensors for the life of the component, and replaces what they hold: first by
/// views of a flat buffer, 64-byte aligned, later by other dtypes or devices. A component therefore never keeps a second
/// reference to a weight's storage, and never writes to a weight itself except in Student::initialise().
class TTFM_API ParameterSet final {
 public:
  /// A trained weight. `name` is unique in the component and becomes its key in checkpoints ("down.0.conv.weight").
  /// `value` has its final shape; its contents are set later.
  void parameter(Name name, Tensor& value, uint32_t flags = 0);

  /// A tensor that is in checkpoints and moves to the device, but is not trained.
  void buffer(Name name, Tensor& value);

  struct Impl;
  explicit ParameterSet(Impl* impl) : impl_(impl) {}  ///< made by the host

 private:
  Impl* impl_;
};

}  // namespace ttfm
