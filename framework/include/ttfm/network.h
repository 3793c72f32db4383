// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/dual.h>
#include <ttfm/random.h>

namespace ttfm {

/// How a network is asked, beside x and the times. (S)
///
/// A copy has the copier's size, whatever the original's: a loss may copy LossInputs::call(), change it and pass it on,
/// in a host that knows more fields than the loss does.
struct Call {
  uint32_t struct_size = sizeof(Call);  ///< of the one who made it; leave it
  uint32_t flags = 0;                   ///< no bit has a meaning yet; 0
  Tensor label{};                       ///< int64 [B]; the value `classes` means no label; undefined: none has one
  Tensor guidance{};                    ///< [B], a scale as an input of the network; undefined: not given
  const Stream* dropout = nullptr;      ///< null: evaluation. The same stream gives the same mask.

  Call() = default;
  Call(const Call& other) { *this = other; }  ///< the fields that both know
  /// The fields that both know.
  Call& operator=(const Call& other) {  // a later field is taken only where other.struct_size has it
    flags = other.flags;
    label = other.label;
    guidance = other.guidance;
    dropout = other.dropout;
    return *this;
  }
  ~Call() = default;
};

/// What a network can do. The component fills what differs from the defaults. (S)
struct NetworkTraits {
  uint32_t struct_size = sizeof(NetworkTraits);  ///< leave it at its default
  uint32_t reserved = 0;                         ///< 0
  int64_t classes = 0;                           ///< labels 0..classes-1; 0: unconditional
  bool dual = false;            ///< has velocity_dual; otherwise the host falls back on differences, with a warning
  bool x_gradient = true;       ///< differentiable in x
  bool any_order = false;       ///< also defined for s > t
  bool stackable = true;        ///< rows do not influence each other: calls may be stacked into one batch
  bool guidance_input = false;  ///< uses Call::guidance
  bool dropout = false;         ///< uses Call::dropout; the host hands no stream to a network that does not
  bool reserved1[2] = {};       ///< false
};

}  // namespace ttfm
