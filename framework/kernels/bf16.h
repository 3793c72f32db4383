// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

namespace ttfm::kernels {

/// Storage of a bfloat16: the upper half of a float. Layout of at::BFloat16.
struct Bf16 {
  uint16_t bits;
};

}  // namespace ttfm::kernels
