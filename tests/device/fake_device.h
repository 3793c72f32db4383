// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <c10/core/Device.h>

#include <cstdint>

namespace ttfm::test {

/// A device that is not the CPU, to find code that takes the CPU for granted where there is no GPU: LibTorch's
/// PrivateUse1 under the name `ttfmfake`. Its kernels are those of the CPU, or LibTorch's compositions of them; what
/// differs is what code may do with its tensors:
///
/// - host code that follows a pointer to its memory faults;
/// - an operation on tensors of both devices throws, copies and numbers in elementwise operations excepted;
/// - it counts how often the host waits for it.
c10::Device fake_device();

/// How often the host waited so far: for a value, for a copy into host memory, for a copy out of it that was not asked
/// to be asynchronous, or for a shape that depends on values.
int64_t device_waits();

}  // namespace ttfm::test
