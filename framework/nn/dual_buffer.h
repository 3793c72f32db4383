// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include <ttfm/interface.h>

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

/// [a; b] without a copy: defined only where the two are the halves of one tensor.
std::optional<Tensor> joined_view(const Tensor& a, const Tensor& b);

/// [a; b], copied where it has to be.
Tensor joined(const Tensor& a, const Tensor& b);

/// An undefined tensor as an absent argument of torch::autograd::Function.
std::optional<Tensor> given(const Tensor& x);

/// Throws when the gradient that runs now is recorded itself (create_graph): dual layers save intermediate results
/// without their history, and would give a wrong second derivative.
void refuse_second_gradient(const char* layer);

}  // namespace ttfm::nn
