// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <limits>
#include <string>

#include "pipeline/assembly.h"

namespace ttfm::pipeline {

/// Watches for a loss that explodes without ever being other than finite.
class LossWatch {
 public:
  /// Takes the mean loss of a window of steps. What to tell the user, once; "" otherwise.
  std::string look(double loss);

 private:
  double lowest_ = std::numeric_limits<double>::infinity();
  int high_ = 0;  // windows in a row
  bool told_ = false;
};

/// What to tell the user if `samples` have collapsed: their variance, averaged over the dimensions, is a small part of
/// that of `data`. "" otherwise. Both are [B, ...] with at least two samples.
std::string collapse(const at::Tensor& samples, const at::Tensor& data);

/// What draws a few samples as the evaluation will, with the student's weights as they are when it is called, and says
/// whether they have collapsed.
std::function<std::string()> sample_watch(const Assembly& assembly, const train::Network& student);

}  // namespace ttfm::pipeline
