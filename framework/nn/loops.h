// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

#include <ttfm/dual.h>
#include <ttfm/parallel.h>

#include "kernels/activation.h"

/// The loops of framework/kernels on tensors, for use inside autograd functions. Values are in host memory, float or
/// bfloat16 and contiguous (images: channels last); scales, shifts, gates and biases are float with contiguous rows.
/// Results of a dual are the halves of one tensor.
namespace ttfm::nn {

/// Whether the loops take such values: anything else goes through LibTorch's operations.
bool loops_take(const Tensor& x);
bool loops_take_image(const Tensor& x);  ///< the same for [B, C, H, W]

/// Whether a bias, if there is one, has a number for each column of x; and such a bias as the loops read it.
bool is_row_for(const Tensor& bias, const Tensor& x);
Tensor as_row(const Tensor& bias);

/// The sums over the rows of x [rows, columns]: in fp32, or where the loops do not take it in its own type.
Tensor column_sums(const Tensor& x);

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

/// A function of rows, primal and tangent, that is evaluated block by block: what takes its rows next can do so while they
/// are in a core's cache. It refers to the memory of its arguments.
struct RowFunction {
  const char* name;     ///< for profiles
  Tensor x;             ///< in the shape of the result
  bool dual;            ///< whether the result has a tangent
  at::ScalarType type;  ///< of the result
  /// Writes rows from <= i < to of the result to y and, if dual, dy, contiguous from there on.
  std::function<void(int64_t from, int64_t to, void* y, void* dy)> evaluate;
};
RowFunction activation_function(kernels::Activation kind, const Dual& z, const Tensor& bias);
/// `statistics`: undefined, and set for further calls with the same x.
RowFunction layer_norm_function(const Dual& x, const Affine& affine, double eps, at::ScalarType type,
                                Tensor& statistics);
Dual evaluated(const RowFunction& f);

/// The same for its gradient, which is given block by block.
struct RowGradient {
  const char* name;
  int64_t rows;      ///< of the result
  int64_t together;  ///< rows that one thread has to take: those of a sample that are added up. It divides `rows`
  int64_t parts;     ///< of threads, each of which adds up its own
  /// Takes the gradients g and h of rows from <= i < to of the result and of its tangent. What the function's evaluate()
  /// writes for these rows goes to y and dy, unless they are null: it costs little more than to store it.
  std::function<void(int64_t part, int64_t from, int64_t to, const void* g, const void* h, void* y, void* dy)> take;
  std::function<NormGradients()> sums;  ///< once all rows were taken; the bias of an activation is affine.b
};
/// `of_bias`: whether the bias, if there is one, wants a gradient.
RowGradient activation_gradient(kernels::Activation kind, const Dual& z, const Tensor& bias, bool of_bias);
/// `of_affine`: whether the affine part, if there is one, wants gradients.
RowGradient layer_norm_gradient(const Dual& x, const Affine& affine, double eps, at::ScalarType type,
                                const Tensor& statistics, bool of_affine);
NormGradients gradients(const RowGradient& f, const Dual& g);

/// How many threads are worth it for so many numbers, of which those of a `sample` are not shared out.
int64_t parts_for(int64_t samples, int64_t numbers);

/// f(part, from, to) for rows in so many parts of about the same size, shared among threads. Parts begin at multiples of
/// `step`; some may be empty.
template <class F>
void over_parts(int64_t rows, int64_t step, int64_t parts, F&& f) {
  const int64_t steps = (rows + step - 1) / step;
  parallel_for(0, parts, 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      f(part, steps * part / parts * step, std::min(rows, steps * (part + 1) / parts * step));
    }
  });
}

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
/// The gradient of y has numbers of `type`; it is the only one where y is undefined.
GateGradients gate_backward(const Dual& gate, const Dual& y, const Tensor& bias, const Dual& g, at::ScalarType type);

}  // namespace ttfm::nn
