// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace ttfm::train {

using at::Tensor;

/// Keeps numbers that are not finite out of the weights, without waiting for the device: it judges every step there and
/// says there whether the step may change anything. A step whose loss or gradient is not finite is skipped; more than
/// `most_skipped` of them in a row stop the training, and from then on no step changes anything until the host has seen
/// it. Since nothing changed since the row's first step, that one can be computed again.
class UpdateGuard {
 public:
  UpdateGuard(int64_t most_skipped, c10::Device device);

  /// Judges `step` by its loss and its gradients' norms, all scalars on the device.
  void judge(int64_t step, const Tensor& loss, at::ArrayRef<Tensor> norms);

  /// 1 where the step judged last must change nothing, else 0: a float on the device.
  const Tensor& masked() const { return masked_; }

  /// The same, where knowing it makes nobody wait: on the CPU.
  std::optional<bool> masked_on_host() const;

  int64_t skipped() const;                    ///< steps so far that changed nothing. Waits for the device
  std::optional<int64_t> stopped_at() const;  ///< the first step of the row that stopped the training. Waits

  /// What a checkpoint keeps. Waits for the device.
  std::map<std::string, int64_t> counters() const;
  void load(const std::map<std::string, int64_t>& counters);

 private:
  bool passes_on_host(const Tensor& loss, at::ArrayRef<Tensor> norms) const;

  int64_t most_skipped_;
  Tensor masked_;
  Tensor stopped_;                    // bool
  Tensor skipped_, row_, row_began_;  // int64: all of them, those in a row, the row's first step
};

}  // namespace ttfm::train
