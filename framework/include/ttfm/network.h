// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/dual.h>
#include <ttfm/random.h>

namespace ttfm {

/// How a network is asked, beside x and the times. (S)
struct Call {
  uint32_t struct_size = sizeof(Call);
  uint32_t flags = 0;
  Tensor label{};                   ///< int64 [B]; the value `classes` means no label; undefined: none has one
  Tensor guidance{};                ///< [B], a scale as an input of the network; undefined: not given
  const Stream* dropout = nullptr;  ///< null: evaluation. The same stream gives the same mask.
};

/// What a network can do. The component fills what differs from the defaults. (S)
struct NetworkTraits {
  uint32_t struct_size = sizeof(NetworkTraits);
  uint32_t reserved = 0;
  int64_t classes = 0;          ///< labels 0..classes-1; 0: unconditional
  bool dual = false;            ///< has velocity_dual; otherwise the host falls back on differences, with a warning
  bool x_gradient = true;       ///< differentiable in x
  bool any_order = false;       ///< also defined for s > t
  bool stackable = true;        ///< rows do not influence each other: calls may be stacked into one batch
  bool guidance_input = false;  ///< uses Call::guidance
  bool dropout = false;         ///< uses Call::dropout; the host hands no stream to a network that does not
};

}  // namespace ttfm
