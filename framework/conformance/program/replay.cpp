// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "conformance/program/replay.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <torch/library.h>

#include <limits>
#include <vector>

namespace ttfm::conformance {

struct StoppedValues::Impl {
  std::vector<Tensor> values;
  size_t next = 0;
  bool replaying = false, diverged = false;

  /// Whether `x` stops a gradient here; a value with a tangent moves on its own.
  static bool stops(const Tensor& x) {
    return x.defined() && x.is_floating_point() && !x.requires_grad() && !x._fw_grad(0).defined();
  }

  /// The recorded value of `x`, or `x` itself while recording.
  Tensor exchange(const Tensor& x) {
    if (!replaying) {
      values.push_back(x.detach().clone());
      return x;
    }
    if (next >= values.size() || values[next].sizes() != x.sizes() || values[next].scalar_type() != x.scalar_type()) {
      diverged = true;
      return x;
    }
    return values[next++];
  }
};

namespace {

constexpr c10::DispatchKey kKey = c10::DispatchKey::TESTING_ONLY_GenericMode;

thread_local StoppedValues::Impl* active = nullptr;

/// Stands before every operation while a StoppedValues is at work.
void intercept(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  const c10::impl::ExcludeDispatchKeyGuard guard(kKey);
  const auto& arguments = op.schema().arguments();
  if (active && c10::GradMode::is_enabled()) {
    for (size_t i = 0; i < arguments.size(); ++i) {
      c10::IValue& value = (*stack)[stack->size() - arguments.size() + i];
      const bool written = arguments[i].alias_info() && arguments[i].alias_info()->isWrite();
      if (value.isTensor() && StoppedValues::Impl::stops(value.toTensor())) {
        const Tensor x = value.toTensor(), stopped = active->exchange(x);
        if (written && active->replaying) {
          const c10::AutoGradMode off(false);
          x.copy_(stopped);
        } else if (!written) {
          value = stopped;
        }
      } else if (value.isTensorList()) {
        c10::List<Tensor> list = value.toTensorList().copy();
        for (size_t j = 0; j < list.size(); ++j) {
          const Tensor x = list.get(j);
          if (StoppedValues::Impl::stops(x)) list.set(j, active->exchange(x));
        }
        value = list;
      }
    }
  }
  op.callBoxed(stack);
}

double run(StoppedValues::Impl& impl, const std::function<Tensor()>& scalar) {
  // process-wide, and only where it is needed: each operation pays for it
  static const torch::Library library = [] {
    torch::Library made(torch::Library::IMPL, "_", kKey, __FILE__, __LINE__);
    made.fallback(torch::CppFunction::makeFromBoxedFunction<&intercept>());
    return made;
  }();
  active = &impl;
  double result = std::numeric_limits<double>::quiet_NaN();
  try {
    const c10::impl::IncludeDispatchKeyGuard include(kKey);
    const Tensor value = scalar();
    active = nullptr;
    result = value.detach().item<double>();
  } catch (...) {
    active = nullptr;
    throw;
  }
  return result;
}

}  // namespace

StoppedValues::StoppedValues() : impl_(std::make_unique<Impl>()) {}
StoppedValues::~StoppedValues() = default;

double StoppedValues::record(const std::function<Tensor()>& scalar) {
  impl_->values.clear();
  impl_->replaying = false;
  return run(*impl_, scalar);
}

double StoppedValues::replay(const std::function<Tensor()>& scalar) {
  impl_->replaying = true;
  impl_->diverged = false;
  impl_->next = 0;
  const double value = run(*impl_, scalar);
  const bool whole = !impl_->diverged && impl_->next == impl_->values.size();
  return whole ? value : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace ttfm::conformance
