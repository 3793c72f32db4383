// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <vector>

#include "config/sections.h"
#include "train/flat_parameters.h"
#include "train/update_guard.h"

namespace ttfm::train {

/// AdamW on flat buffers (Loshchilov and Hutter 2019, arXiv 1711.05101), with clipping by the global norm:
///   g <- g min(1, clip / |g|),  m <- b1 m + (1-b1) g,  v <- b2 v + (1-b2) g^2
///   w <- w - lr (weight_decay w + m^ / (sqrt(v^) + eps)),  m^ = m / (1-b1^i),  v^ = v / (1-b2^i)
/// Nothing waits for the device: the norm, the clipping and the decision to skip stay there. In host memory a step is one
/// pass over all buffers (framework/kernels/adamw.h), which leaves the gradient zero.
class AdamW {
 public:
  AdamW(FlatParameters& parameters, const config::TrainSection& options);

  /// Takes the gradient's norm, which step() clips by.
  const Tensor& measure();

  /// An average of the weights: average <- average + weight (w - average).
  struct Average {
    Tensor values;                    ///< flat, as the weights
    ShadowWeights* shadow = nullptr;  ///< their copy in 16 bits, if there is one
    double weight = 0;
  };

  /// One update with the rate `lr`, then of the averages, unless the guard masks the step: then nothing changes.
  void step(double lr, const UpdateGuard& guard, const std::vector<Average>& averages);

  const Tensor& gradient_norm() const { return gradient_norm_; }  ///< as measured last, before clipping, on the device

  /// The state as checkpoints hold it: both moments, flat (FlatParameters::row_by_row()), and the count of steps.
  std::vector<NamedTensor> named() const;
  /// Goes on from what named() gave.
  void load(const std::vector<NamedTensor>& state);

 private:
  bool in_host_memory() const;
  void step_in_one_pass(double lr, const std::vector<Average>& averages);

  FlatParameters& parameters_;
  config::TrainSection options_;
  Tensor first_, second_;  // moments
  Tensor count_;           // steps taken, a float on the device, as the fused kernel wants it
  Tensor gradient_norm_;
};

/// to <- to + weight (from - to), and nothing where the step is masked.
void follow(const Tensor& to, const Tensor& from, double weight, const UpdateGuard& guard);

}  // namespace ttfm::train
