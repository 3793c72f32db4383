// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include <ttfm/dual.h>

/// For the autograd functions of dual layers: primal and tangent as the two halves of one tensor [2B, ...], so that one
/// matrix product or convolution takes both without a copy.
namespace ttfm::nn {

struct Halves {
  Tensor both;
  Tensor primal;
  Tensor tangent;
};

/// The two halves of `both` along its first dimension.
Halves split(const Tensor& both);

/// New halves, each with the shape and the memory layout of `like`.
Halves empty_halves(const Tensor& like);

/// A new value of `shape`, with a tangent beside it or without one.
Dual empty_dual(at::IntArrayRef shape, const at::TensorOptions& options, bool with_tangent,
                at::MemoryFormat format = at::MemoryFormat::Contiguous);

/// [a; b] without a copy: defined only where the two are the halves of one tensor.
std::optional<Tensor> joined_view(const Tensor& a, const Tensor& b);

/// [a; b], copied where it has to be.
Tensor joined(const Tensor& a, const Tensor& b);

/// joined() and split(), recorded.
Tensor recorded_join(const Dual& x);
Dual recorded_split(const Tensor& both);

/// f of primal and tangent in one call, for an operation of LibTorch that works on each row of the batch by itself and is
/// linear. Recorded by autograd; the result's halves lie side by side, so that the next layer takes them without a copy.
template <class F>
Dual on_both(const Dual& x, F&& f) {
  if (!x.tangent.defined()) return {f(x.primal), {}};
  return recorded_split(f(recorded_join(x)));
}

/// An undefined tensor as an absent argument of torch::autograd::Function.
std::optional<Tensor> given(const Tensor& x);

/// Throws when the gradient that runs now is recorded itself (create_graph): dual layers save intermediate results
/// without their history, and would give a wrong second derivative.
void refuse_second_gradient(const char* layer);

}  // namespace ttfm::nn
