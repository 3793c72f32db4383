// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <future>
#include <vector>

#include <ttfm/dataset.h>

namespace ttfm::train {

/// Samples as training and evaluation use them.
struct Batch {
  Tensor x_1;    ///< [B, ...], float, in the data set's value range
  Tensor label;  ///< int64 [B]; undefined for a set without labels
};

/// Reads the samples `indices` of a split. `key` is the augmentation's.
Batch read_batch(const Dataset& dataset, Split split, const std::vector<int64_t>& indices, uint64_t key,
                 c10::Device device);

/// The training batches, in an order that follows from the seed alone: position p of the run is sample p mod N of the
/// permutation of epoch p / N. The next batch is read in the background.
class TrainingBatches {
 public:
  TrainingBatches(const Dataset& dataset, uint64_t seed, int64_t batch, c10::Device device);
  ~TrainingBatches();

  /// The batch of a step. Steps are asked for in order; any other order works, without the reading ahead.
  Batch take(int64_t step);

  /// The samples of a step's batch, by their numbers in the training split.
  std::vector<int64_t> indices(int64_t step);

  double seconds_waited() const { return seconds_waited_; }  ///< in take(), so far

 private:
  /// The samples of one batch that belong to one epoch.
  struct Part {
    int64_t epoch;
    std::vector<int64_t> indices;
  };

  std::vector<Part> parts(int64_t step);
  Batch read(int64_t step);
  const std::vector<int64_t>& permutation(int64_t epoch);

  const Dataset& dataset_;
  uint64_t seed_;
  int64_t batch_;
  c10::Device device_;
  int64_t size_;  // of the training split; negative: endless
  int64_t permuted_epoch_ = -1;
  std::vector<int64_t> permutation_;
  std::future<Batch> next_;
  int64_t next_step_ = -1;
  double seconds_waited_ = 0;
};

}  // namespace ttfm::train
