// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <ttfm/io/safetensors.h>

namespace ttfm::run {

/// Which weights are meant where a path holds several.
struct WeightChoice {
  std::string stage = "student";  ///< of a run with two stages; the other one if the run has only that
  bool ema = true;                ///< the averaged weights where there are some; false: the raw ones
};

struct LoadedWeights {
  std::vector<io::NamedTensor> tensors;  ///< on the CPU
  std::filesystem::path file;            ///< where they come from, for messages and the run's record
};

/// The weights at `path`: a .safetensors file, a run's folder or a stage's (its newest checkpoint that verifies), or a
/// checkpoint's folder. Throws ttfm::Error (checkpoint) that says what was found there instead.
LoadedWeights load_weights(const std::filesystem::path& path, const WeightChoice& choice = {});

struct WantedWeight {
  std::string name;
  std::vector<int64_t> shape;
};

/// The given tensors in the order of `wanted`. Throws ttfm::Error (checkpoint) if the names or shapes are not exactly
/// those: `source` is a checkpoint of another network, and the text lists what is missing, unexpected or of another
/// shape, five of each.
std::vector<at::Tensor> match_weights(const std::vector<WantedWeight>& wanted,
                                      const std::vector<io::NamedTensor>& given, const std::string& source);

/// Copies each of `given` into the tensor of its name in `own`. Throws like match_weights, and copies nothing then.
void copy_weights(const std::vector<io::NamedTensor>& own, const std::vector<io::NamedTensor>& given,
                  const std::string& source);

}  // namespace ttfm::run
