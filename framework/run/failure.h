// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "run/checkpoint.h"

namespace ttfm::run {

/// A step whose loss or gradient was not finite: everything that is needed to compute it again, and what it gave.
struct Failure {
  std::string stage;
  int64_t step = 0;    ///< as metrics.jsonl counts: the step that would have been done by it
  uint64_t seed = 0;   ///< of the run
  std::string config;  ///< the file in the run's folder that holds the configuration: "config.resolved.toml"
  std::map<std::string, std::string> versions;
  std::vector<std::string> not_finite;       ///< what was not, the most telling first
  std::vector<TensorGroup> weights;          ///< before the step: "model", "copy-0", ..., "loss"
  at::Tensor indices;                        ///< of the batch's samples in the training split, int64 [B]
  std::map<std::string, at::Tensor> terms;   ///< of the loss, for each sample, [B]
  std::map<std::string, at::Tensor> values;  ///< what the loss recorded: s, t
  at::Tensor loss, gradient_norm;            ///< scalars
};

/// Writes one .safetensors file: tensors "model/NAME", "term/NAME", "value/NAME", "indices", "loss", "gradient_norm", all
/// on the CPU, and the rest as JSON in the metadata.
void write_failure(const std::filesystem::path& path, const Failure& failure);

/// Throws ttfm::Error (checkpoint) for a file that is not one of these.
Failure read_failure(const std::filesystem::path& path);

}  // namespace ttfm::run
