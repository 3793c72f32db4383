// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ttfm/io/safetensors.h>

#include "run/manifest.h"

namespace ttfm::run {

/// Where a stage stands: what state.json of a checkpoint holds.
struct CheckpointState {
  std::string stage;                            ///< "teacher", "student"
  int64_t step = 0;                             ///< optimiser steps taken in this stage
  int64_t images = 0;                           ///< samples seen in this stage
  double seconds = 0;                           ///< wall time spent training it, over all processes
  std::map<std::string, int64_t> counters;      ///< whatever else has to go on after a resume
  std::map<std::string, double> metrics;        ///< the last window's, as in metrics.jsonl: what "best" is judged by
  std::map<std::string, std::string> versions;  ///< for the reader of the file: ttfm, libtorch, plugins
};

/// The tensors of one file NAME.safetensors: "model" (weights and buffers as the network names them), "ema" (the same
/// names, averaged), "copy-0", "copy-1", ... (the loss's copies of the student), "loss", "optimizer".
struct TensorGroup {
  std::string name;
  std::vector<io::NamedTensor> tensors;  ///< on the CPU
};

struct Checkpoint {
  std::filesystem::path folder;  ///< where it was read from
  CheckpointState state;
  std::vector<TensorGroup> groups;  ///< those that there are; a checkpoint without "model" is none

  /// Null if there is no such group.
  const TensorGroup* find(std::string_view name) const;
};

/// Which checkpoints of a stage are kept, beside the newest one that verifies.
struct Retention {
  int64_t last = 1;   ///< the newest ones
  int64_t every = 0;  ///< those of steps that are a multiple of this; 0: none
  std::string best;   ///< the one with the lowest value of this metric; "": none
};

/// The checkpoints of one stage: <stage>/checkpoints/step-00001000/ with the groups' files, state.json and, written
/// last, MANIFEST.json; and LATEST and BEST, text files with the newest one's and the best one's name.
///
/// A checkpoint appears whole, by the rename of its folder, and every byte in it is covered by a checksum. One process
/// at a time writes here: the run's lock sees to that.
class Checkpoints {
 public:
  explicit Checkpoints(std::filesystem::path folder) : folder_(std::move(folder)) {}

  const std::filesystem::path& folder() const { return folder_; }

  /// Writes one and returns its folder; one of the same step is replaced. Throws ttfm::Error: numeric for a number that is not finite, io for the file system. Nothing of it remains
  /// then, and older ones stay as they were.
  std::filesystem::path write(const Checkpoint& checkpoint) const;

  /// The steps of what is there, oldest first, damaged ones too.
  std::vector<int64_t> steps() const;

  /// The newest one that verifies; newer ones that are damaged are named in a warning and stepped over. None if no
  /// checkpoint was ever written. Throws ttfm::Error (checkpoint) if there are some and each is damaged: a run must not
  /// start again from nothing unasked.
  std::optional<Checkpoint> newest() const;

  /// The folder of what newest() would read.
  std::optional<std::filesystem::path> newest_folder() const;

  /// Removes what is not kept, and writes BEST. `written` is a step that write() has just returned from: it is whole, and
  /// nothing has to be read to know it.
  void prune(const Retention& keep, std::optional<int64_t> written = {}) const;

  /// The step of the checkpoint with the lowest value of a metric, as far as their state.json can be read; none for "".
  std::optional<int64_t> best(const std::string& metric) const;

  std::filesystem::path folder_of(int64_t step) const;

 private:
  template <class Take>
  auto newest_that(const Take& take) const;

  std::filesystem::path folder_;
};

/// Compares a checkpoint's folder with its manifest, which has to list what every checkpoint has.
ManifestCheck verify(const std::filesystem::path& checkpoint_folder);

/// What is wrong first: "model.safetensors: its checksum is not the manifest's". Empty if nothing is.
std::string damage(const std::filesystem::path& checkpoint_folder);

/// All of a checkpoint that verifies. Throws ttfm::Error (checkpoint) for a damaged one.
Checkpoint read_checkpoint(const std::filesystem::path& checkpoint_folder);

}  // namespace ttfm::run
