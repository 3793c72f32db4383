// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sched.h>

#include <charconv>
#include <cstdlib>
#include <filesystem>

#include <ttfm/error.h>

namespace ttfm {
namespace {

/// Devices that the CUDA driver offers; -1 without a driver. Asks the driver itself: libtorch_cuda takes a second to open.
int driver_devices() {
  void* const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!driver) return -1;
  const auto init = reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit"));
  const auto device_count = reinterpret_cast<int (*)(int*)>(dlsym(driver, "cuDeviceGetCount"));
  int count = 0;
  if (!init || !device_count || init(0) != 0 || device_count(&count) != 0) return -1;
  return count;
}

std::filesystem::path torch_folder() {
  Dl_info info{};
  dladdr(reinterpret_cast<const void*>(&at::set_num_threads), &info);
  return std::filesystem::path(info.dli_fname).parent_path();
}

[[noreturn]] void no_cuda(const std::string& text, const std::string& why) {
  throw Error(ErrorKind::device,
              "[run] device = \"" + text + "\": " + why + ". Use device = \"auto\" or \"cpu\" on this machine.");
}

/// Opens libtorch_cuda; the reason why not, or "".
std::string open_cuda() {
  const auto library = torch_folder() / "libtorch_cuda.so";
  if (!std::filesystem::exists(library)) return "this LibTorch has no CUDA: there is no " + library.string();
  if (!dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    return std::string("libtorch_cuda.so cannot be opened: ") + dlerror() +
           ". It needs NVIDIA's libraries beside it: install the torch 2.15.0 wheel with its dependencies into a "
           "folder "
           "and name that folder in TTFM_TORCH_ROOT";
  }
  if (!at::globalContext().hasCUDA()) return "LibTorch sees no CUDA device";
  return "";
}

DeviceChoice find_device(const std::string& text) {
  const bool automatic = text == "auto";
  int index = 0;
  if (!automatic && text != "cuda") {
    const char* const end = text.data() + text.size();
    const char* const first = text.data() + std::min<size_t>(5, text.size());
    const auto parsed = std::from_chars(first, end, index);
    if (!text.starts_with("cuda:") || parsed.ec != std::errc() || parsed.ptr != end || index < 0) {
      throw Error(ErrorKind::config, "[run] device = \"" + text + "\": expected auto, cpu, cuda or cuda:N");
    }
  }

  const int devices = driver_devices();
  if (automatic) {
    if (devices <= 0) return {c10::kCPU, devices < 0 ? "no usable CUDA driver" : "the CUDA driver has no device"};
    const std::string reason = open_cuda();
    if (!reason.empty()) return {c10::kCPU, reason};
    return {c10::Device(c10::kCUDA, 0), ""};
  }
  if (devices < 0) no_cuda(text, "there is no CUDA driver (libcuda.so.1), or it finds no device");
  if (index >= devices) {
    no_cuda(text, "the CUDA driver has " + std::to_string(devices) + (devices == 1 ? " device" : " devices") +
                      ", numbered from 0");
  }
  const std::string reason = open_cuda();
  if (!reason.empty()) no_cuda(text, reason);
  return {c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)), ""};
}

}  // namespace

DeviceChoice choose_device(const std::string& text, bool deterministic) {
  if (text == "cpu") return {};
  // cuBLAS reads this when it is opened; without a workspace of a fixed size its sums depend on what else runs
  if (deterministic) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  const DeviceChoice choice = find_device(text);
  if (choice.device.is_cuda() && deterministic) {
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
    at::globalContext().setBenchmarkCuDNN(false);
  }
  return choice;
}

int set_threads(int threads) {
  if (threads <= 0) {
    cpu_set_t usable;
    threads = sched_getaffinity(0, sizeof usable, &usable) == 0 ? CPU_COUNT(&usable) : 1;
  }
  at::set_num_threads(threads);
  return threads;
}

}  // namespace ttfm
