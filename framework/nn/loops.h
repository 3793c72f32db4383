// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>

#include <ttfm/dual.h>

#include "kernels/activation.h"

/// The loops of framework/kernels on tensors, for use inside autograd functions. Values are in host memory, float or
/// bfloat16 and contiguous (images: channels last); scales, shifts, gates and biases are float with contiguous rows.
/// Results of a dual are the halves of one tensor.
namespace ttfm::nn {

/// Whether the loops take such values: anything else goes through LibTorch's operations.
bool loops_take(const Tensor& x);
bool loops_take_image(const Tensor& x);  ///< the same for [B, C, H, W]

/// The affine part of a norm: each [B, C] or [C]; a and b, da and db both defined or both undefined.
struct Affine {
  Tensor a, b, da, db;
};

/// Gradients of an affine part, each in the shape of what it belongs to; undefined where that is.
using AffineGradients = Affine;

struct NormGradients {
  Dual x;
  AffineGradients affine;
};

Dual activation_forward(kernels::Activation kind, const Dual& z, const Tensor& bias);

struct ActivationGradients {
  Dual z;
  Tensor bias;
};
ActivationGradients activation_backward(kernels::Activation kind, const Dual& z, const Tensor& bias, const Dual& g);

/// `type`: of the result.
Dual layer_norm_forward(const Dual& x, const Affine& affine, double eps, at::ScalarType type);
NormGradients layer_norm_backward(const Dual& x, const Affine& affine, double eps, const Dual& g);

struct GroupNormKind {
  int64_t groups;
  double eps;
  kernels::Activation activation;
};
/// `statistics`: undefined, and set for further calls with the same x.
Dual group_norm_forward(const Dual& x, const Affine& affine, const GroupNormKind& kind, Tensor& statistics);
NormGradients group_norm_backward(const Dual& x, const Affine& affine, const GroupNormKind& kind,
                                  const Tensor& statistics, const Dual& g);

/// x + gate (y + bias), see kernels::GateRows.
Dual gate_forward(const Dual& x, const Dual& gate, const Dual& y, const Tensor& bias);

struct GateGradients {
  Dual gate, y;
  Tensor bias;
};
GateGradients gate_backward(const Dual& gate, const Dual& y, const Tensor& bias, const Dual& g);

}  // namespace ttfm::nn
