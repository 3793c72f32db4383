// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "fake_device.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

namespace ttfm::test {
namespace {

using at::Tensor;
using Stack = torch::jit::Stack;

constexpr c10::DeviceType kType = c10::DeviceType::PrivateUse1;
const c10::Device kDevice(kType, 0);

std::atomic<int64_t> waits = 0;

/// An address that no instruction can follow, and from which an offset leads to another such address.
void* unreachable(void* address) {
  constexpr uintptr_t kBit = uintptr_t{1} << 55;
  return address ? reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(address) | kBit) : nullptr;
}

/// The storage in host memory that a storage of the device stands for: the context of its pointer.
const c10::Storage& host_storage(const c10::StorageImpl& storage) {
  return *static_cast<const c10::Storage*>(storage.data_ptr().get_context());
}

c10::DataPtr pointer_to(const c10::Storage& host) {
  const auto forget = [](void* context) { delete static_cast<c10::Storage*>(context); };
  return {unreachable(host.mutable_data()), new c10::Storage(host), forget, kDevice};
}

Tensor make_like(const Tensor& x, c10::Storage storage, c10::DispatchKey key) {
  Tensor made = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), x.dtype());
  made.unsafeGetTensorImpl()->set_sizes_and_strides(x.sizes(), x.strides(), x.storage_offset());
  return made;
}

/// A CPU tensor over the memory of a device tensor.
Tensor host_view(const Tensor& x) {
  return make_like(x, host_storage(*x.storage().unsafeGetStorageImpl()), c10::DispatchKey::CPU);
}

/// A device tensor over the memory of a CPU tensor.
Tensor device_view(const Tensor& host) {
  const c10::Storage& from = host.storage();
  return make_like(host, c10::Storage(c10::Storage::use_byte_size_t(), from.nbytes(), pointer_to(from)),
                   c10::DispatchKey::PrivateUse1);
}

/// The tensors of one operation, in both forms.
class Operands {
 public:
  /// `name` is the operation's; `numbers` tells whether a number of the host, a tensor without dimensions, may take part.
  Operands(std::string name, bool numbers) : name_(std::move(name)), numbers_(numbers) {}

  Tensor to_host(const Tensor& x) {
    if (!x.defined()) return x;
    if (x.device().type() != kType) {
      const bool number = x.dim() == 0 && (numbers_ || x.unsafeGetTensorImpl()->is_wrapped_number());
      TORCH_CHECK(number, name_, ": Expected all tensors to be on the same device, but found ", x.device(), " and ",
                  kDevice, "; the former has the shape ", x.sizes());
      return x;
    }
    Tensor host = host_view(x);
    pairs_.emplace_back(x, host);
    return host;
  }

  /// Gives resized outputs their new form. To be called between the operation and to_device().
  void update() {
    for (const auto& [x, host] : pairs_) {
      c10::StorageImpl* const storage = x.storage().unsafeGetStorageImpl();
      if (storage->data() != unreachable(host.storage().mutable_data())) {
        storage->set_data_ptr_noswap(pointer_to(host.storage()));
        storage->set_nbytes(host.storage().nbytes());
      }
      if (x.sizes() == host.sizes() && x.strides() == host.strides()) continue;
      x.unsafeGetTensorImpl()->set_sizes_and_strides(host.sizes(), host.strides(), host.storage_offset());
    }
  }

  /// The operand itself, a view of an operand, or a new tensor.
  Tensor to_device(const Tensor& host) const {
    if (!host.defined()) return host;
    for (const auto& [x, own] : pairs_) {
      if (own.is_same(host)) return x;
    }
    for (const auto& [x, own] : pairs_) {
      if (own.is_alias_of(host)) return make_like(host, x.storage(), c10::DispatchKey::PrivateUse1);
    }
    return device_view(host);
  }

 private:
  std::string name_;
  bool numbers_;
  std::vector<std::pair<Tensor, Tensor>> pairs_;  // on the device, on the host
};

/// Replaces every tensor in a value.
template <class Translate>
void translate(c10::IValue& value, Translate one) {
  if (value.isTensor()) {
    value = one(value.toTensor());
  } else if (value.isTensorList()) {
    c10::List<Tensor> list;
    for (const Tensor& x : value.toTensorVector()) list.push_back(one(x));
    value = list;
  } else if (value.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> list;
    for (const std::optional<Tensor>& x : value.toOptionalTensorVector()) {
      list.push_back(x ? std::optional<Tensor>(one(*x)) : std::nullopt);
    }
    value = list;
  }
}

/// Calls `kernel`, an operation with the arguments and results of `op`, on CPU tensors over the same memory.
void call_on_host(const c10::OperatorHandle& op, const c10::OperatorHandle& kernel, Stack* stack) {
  if (op.hasTag(at::Tag::data_dependent_output) || op.hasTag(at::Tag::dynamic_output_shape)) ++waits;
  Operands operands(op.schema().name(), op.hasTag(at::Tag::pointwise));
  for (size_t left = kernel.schema().arguments().size(); left > 0; --left) {
    translate(*(stack->end() - static_cast<std::ptrdiff_t>(left)),
              [&](const Tensor& x) { return operands.to_host(x); });
  }
  kernel.callBoxed(stack);
  operands.update();
  for (size_t left = kernel.schema().returns().size(); left > 0; --left) {
    translate(*(stack->end() - static_cast<std::ptrdiff_t>(left)),
              [&](const Tensor& x) { return operands.to_device(x); });
  }
}

void any_operation(const c10::OperatorHandle& op, Stack* stack) { call_on_host(op, op, stack); }

void convolution(const c10::OperatorHandle& op, Stack* stack) {
  static const auto kernel = c10::Dispatcher::singleton().findSchemaOrThrow("aten::convolution", "");
  call_on_host(op, kernel, stack);
}

void convolution_backward(const c10::OperatorHandle& op, Stack* stack) {
  static const auto kernel = c10::Dispatcher::singleton().findSchemaOrThrow("aten::convolution_backward", "");
  const auto arguments = stack->end() - static_cast<std::ptrdiff_t>(op.schema().arguments().size());
  // beside the arguments of `op`, the kernel has the bias' shape after the weight
  stack->insert(arguments + 3, std::vector<int64_t>{arguments->toTensor().size(1)});
  call_on_host(op, kernel, stack);
}

Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
             std::optional<at::Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return device_view(at::empty(size, at::TensorOptions().dtype(type).device(at::kCPU), format));
}

Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type,
                     std::optional<at::Layout>, std::optional<at::Device>, std::optional<bool>) {
  return device_view(at::empty_strided(size, stride, at::TensorOptions().dtype(type).device(at::kCPU)));
}

/// The one operation that takes tensors of both devices.
Tensor copy_from(const Tensor& from, const Tensor& to, bool non_blocking) {
  if (to.is_cpu() || (from.is_cpu() && !non_blocking)) ++waits;
  Tensor host = to.is_cpu() ? to : host_view(to);
  host.copy_(from.is_cpu() ? from : host_view(from));
  return to;
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&any_operation>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", TORCH_FN(empty));
  library.impl("empty_strided", TORCH_FN(empty_strided));
  library.impl("_copy_from", TORCH_FN(copy_from));
  // LibTorch has compositions of these, but a GPU has its own kernels
  for (const char* name : {"native_group_norm", "native_layer_norm"}) {
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&any_operation>());
  }
  library.impl("convolution_overrideable", torch::CppFunction::makeFromBoxedFunction<&convolution>());
  library.impl("convolution_backward_overrideable", torch::CppFunction::makeFromBoxedFunction<&convolution_backward>());
}

/// One device with one stream, on which everything is done at once.
struct Guard final : c10::impl::NoOpDeviceGuardImpl<kType> {
  c10::Device exchangeDevice(c10::Device) const override { return kDevice; }
  c10::Device getDevice() const override { return kDevice; }
  c10::Stream getStream(c10::Device) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, kDevice); }
  c10::Stream getNewStream(c10::Device, int) const override { return c10::Stream(c10::Stream::DEFAULT, kDevice); }
  c10::Stream exchangeStream(c10::Stream) const noexcept override { return c10::Stream(c10::Stream::DEFAULT, kDevice); }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  c10::DeviceIndex getCurrentDevice() const override { return 0; }
  void setCurrentDevice(c10::DeviceIndex) const override {}
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex) const override { return 0; }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex) const override { return 0; }
};

}  // namespace

c10::Device fake_device() {
  static const bool registered = [] {
    static Hooks hooks;
    c10::register_privateuse1_backend("ttfmfake");
    at::RegisterPrivateUse1HooksInterface(&hooks);
    return true;
  }();
  static_cast<void>(registered);
  return kDevice;
}

int64_t device_waits() { return waits; }

}  // namespace ttfm::test
