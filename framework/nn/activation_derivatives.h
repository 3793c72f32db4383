// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ttfm/interface.h>

/// Activations f with the derivatives that reverse-over-forward needs. Not recorded: for use inside autograd functions.
namespace ttfm::nn {

struct Silu {
  static constexpr const char* kName = "silu";
  static void value(const Tensor& x, Tensor& out);                              ///< f(x)
  static void times_derivative(const Tensor& w, const Tensor& x, Tensor& out);  ///< w f'(x)
  static Tensor times_derivative(const Tensor& w, const Tensor& x);
  static Tensor times_second_derivative(const Tensor& w, const Tensor& x);  ///< w f''(x)
};

/// The tanh approximation.
struct Gelu {
  static constexpr const char* kName = "gelu";
  static void value(const Tensor& x, Tensor& out);
  static void times_derivative(const Tensor& w, const Tensor& x, Tensor& out);
  static Tensor times_derivative(const Tensor& w, const Tensor& x);
  static Tensor times_second_derivative(const Tensor& w, const Tensor& x);
};

}  // namespace ttfm::nn
