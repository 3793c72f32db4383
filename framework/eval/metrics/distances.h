// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

/// Distances between paired samples a_i, b_i of the same shape [N, ...]: the endpoints of two models from the same
/// noise. Summed in double; a value that is not finite anywhere makes the result not finite.
namespace ttfm::eval {

/// sqrt( 1/N sum_i |a_i - b_i|^2 ), |.| the 2-norm of a whole sample: the table's `rmse`.
double rmse(const at::Tensor& a, const at::Tensor& b);

/// rmse / sqrt(D), D elements in a sample: the error of one pixel, the table's `rmse_per_element`.
double rmse_per_element(const at::Tensor& a, const at::Tensor& b);

/// sqrt( sum_i |a_i - b_i|^2 / sum_i |b_i|^2 ): b is the reference.
double relative_l2(const at::Tensor& a, const at::Tensor& b);

}  // namespace ttfm::eval
