// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string_view>

#include <ttfm/export.h>

/// The SDK. Three kinds of type cross the border between the host and a plugin, and nothing else does:
///
/// - (P) implemented by plugins and called only by the host: Teacher, Student, Loss, Sampler, Dataset. Their vtables
///   are frozen for the ABI major and they have no data members; growth is a new interface behind query().
/// - (H) implemented in libttfm and called by plugins: Stream, Config, Field, FlowMap, ... Final, no vtable, one opaque
///   pointer; growth is a new function. They are valid during the call that hands them over, unless stated otherwise.
/// - (S) plain structs. Those that grow have `struct_size` first and only ever grow at their end; the reader looks at
///   `struct_size` before it reads a later field. What the host hands to a plugin is never smaller than the plugin's
///   version of it, as a plugin that needs a newer minor is refused: only the host has to look. They have no hidden
///   padding; reserved fields are 0, and a minor that gives one a meaning makes 0 mean what it does now.
///
/// <ttfm/layout.h> nails sizes and offsets. docs/explanation/abi_policy.md says what is promised for how long.
///
/// Times run from 0 (noise) to 1 (data); a time argument is a tensor of shape [B]. x_0 is noise, x_1 is data.
namespace ttfm {

/// LibTorch's tensor: what samples, times and weights are.
using at::Tensor;
using Name = std::string_view;  ///< a key, a term, a part of a network; copied where it is kept

/// Base of everything that a plugin implements. (P)
class TTFM_API Interface {
 public:
  virtual ~Interface();

  /// A further interface of the same object, or null if it has none of that id. The caller casts the result to the type
  /// that the id stands for. Ids: `interface_id`.
  virtual const void* query(uint32_t id) const noexcept;
};

/// Ids for Interface::query. Ids below 0x10000 are ttfm's; a plugin's own private ids lie above.
namespace interface_id {
inline constexpr uint32_t kExactMap = 1;   ///< ttfm::ExactMap, of a Teacher
inline constexpr uint32_t kDensity = 2;    ///< ttfm::Density, of a Dataset or a Teacher
inline constexpr uint32_t kTrainable = 3;  ///< ttfm::Trainable, of a Loss
}  // namespace interface_id

}  // namespace ttfm
