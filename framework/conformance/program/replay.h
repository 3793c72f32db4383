// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <functional>
#include <memory>

#include <ttfm/interface.h>

namespace ttfm::conformance {

/// Differences of a function that stops gradients.
///
/// A loss computes its target with detach(), under no-grad, or from FlowMap::stopped(): differences of the loss see the
/// target move, its gradient must not. What is stopped are those tensors without a gradient that enter an operation which
/// records one; record() keeps their values in order, and replay() gives them again while the function is evaluated at
/// other parameters. So the difference is that of what the gradient claims to be of.
class StoppedValues {
 public:
  StoppedValues();
  ~StoppedValues();
  StoppedValues(const StoppedValues&) = delete;
  StoppedValues& operator=(const StoppedValues&) = delete;

  double record(const std::function<Tensor()>& scalar);

  /// NaN if the function takes another way than when it was recorded.
  double replay(const std::function<Tensor()>& scalar);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace ttfm::conformance
