// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace ttfm {

/// What `[run] device` asks for.
struct DeviceChoice {
  c10::Device device{c10::kCPU};
  std::string note;  ///< why `auto` did not take a GPU; empty otherwise
};

/// Chooses the device and makes CUDA usable where it is asked for, by opening libtorch_cuda.so, which lies beside
/// libtorch_cpu.so. To be called before anything else of LibTorch: LibTorch looks for CUDA once, for ever.
///
/// `text` is auto, cpu, cuda or cuda:N. `auto` takes cuda:0 where there is a driver with a device, else the CPU, and says
/// why in the note; without a driver that costs nothing. Throws ttfm::Error: config for another text, device where CUDA
/// is asked for and cannot be had.
///
/// `deterministic`: CUDA takes algorithms that repeat bit for bit, where LibTorch has some, and warns where it has none.
DeviceChoice choose_device(const std::string& text, bool deterministic);

/// Sets the number of threads of LibTorch's operations; 0 is one for each core that this process may use.
/// Returns the number.
int set_threads(int threads);

}  // namespace ttfm
