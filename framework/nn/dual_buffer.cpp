// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/dual_buffer.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/as_strided.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <string>

#include <ttfm/error.h>

namespace ttfm::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

struct Join : Function<Join> {
  static Tensor forward(AutogradContext*, const Tensor& p, const Tensor& t) {
    at::AutoDispatchBelowADInplaceOrView guard;
    return joined(p, t);
  }
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    const Halves halves = split(gradients[0]);
    return {halves.primal, halves.tangent};
  }
};

struct Split : Function<Split> {
  static variable_list forward(AutogradContext*, const Tensor& both) {
    at::AutoDispatchBelowADInplaceOrView guard;
    const Halves halves = split(both);
    return {halves.primal, halves.tangent};
  }
  static variable_list backward(AutogradContext*, const variable_list& gradients) {
    return {joined(gradients[0], gradients[1])};
  }
};

}  // namespace

Halves split(const Tensor& both) {
  const int64_t rows = both.size(0) / 2;
  return {both, both.narrow(0, 0, rows), both.narrow(0, rows, rows)};
}

Halves empty_halves(const Tensor& like) {
  auto shape = like.sizes().vec();
  shape[0] *= 2;
  return split(at::empty(shape, like.options(), like.suggest_memory_format()));
}

Dual empty_dual(at::IntArrayRef shape, const at::TensorOptions& options, bool with_tangent, at::MemoryFormat format) {
  if (!with_tangent) return {at::empty(shape, options, format), {}};
  auto both = shape.vec();
  both[0] *= 2;
  const Halves halves = split(at::empty(both, options, format));
  return {halves.primal, halves.tangent};
}

std::optional<Tensor> joined_view(const Tensor& a, const Tensor& b) {
  if (a.numel() == 0 || a.sizes() != b.sizes() || a.strides() != b.strides() || !a.is_alias_of(b)) return std::nullopt;
  if (b.storage_offset() != a.storage_offset() + a.numel()) return std::nullopt;
  const int64_t rows = a.size(0);
  const int64_t row = a.numel() / rows;
  if (rows > 1 && a.stride(0) != row) return std::nullopt;  // rows are not the outermost dimension in memory
  auto shape = a.sizes().vec();
  auto strides = a.strides().vec();
  shape[0] = 2 * rows;
  strides[0] = row;
  return at::as_strided(a, shape, strides, a.storage_offset());
}

Tensor joined(const Tensor& a, const Tensor& b) {
  if (auto view = joined_view(a, b)) return *view;
  return at::cat({a, b}, 0);
}

Tensor recorded_join(const Dual& x) { return Join::apply(x.primal, x.tangent); }

Dual recorded_split(const Tensor& both) {
  const auto halves = Split::apply(both);
  return {halves[0], halves[1]};
}

std::optional<Tensor> given(const Tensor& x) { return x.defined() ? std::optional<Tensor>(x) : std::nullopt; }

void refuse_second_gradient(const char* layer) {
  if (!c10::GradMode::is_enabled()) return;
  throw Error(ErrorKind::internal, std::string("nn: the gradient of the dual layer '") + layer +
                                       "' was asked for with create_graph, but it can be differentiated only once. "
                                       "Take the second gradient through the layer's plain (Tensor) form.");
}

}  // namespace ttfm::nn
