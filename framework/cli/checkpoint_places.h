// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// Checkpoints as files: where they are.
namespace ttfm::cli {

struct CheckpointPlace {
  std::filesystem::path folder;
  nlohmann::ordered_json state;  ///< what state.json holds; null where that cannot be read
  std::string stage;             ///< "student"
  std::string step;              ///< "3000"
  std::string marks;             ///< "LATEST", "LATEST, BEST": what names it in its folder; ""
};

/// The checkpoints at `path`: the folder of a run, of a stage, of checkpoints, or of one of them. By stage, oldest first,
/// damaged ones too. Throws ttfm::Error (checkpoint) if there are none.
std::vector<CheckpointPlace> find_checkpoints(const std::filesystem::path& path);

/// Those of find_checkpoints() that a resumed run would take: of each stage the newest one that verifies. The folder of
/// one checkpoint is that one, as it is.
std::vector<CheckpointPlace> newest_checkpoints(const std::filesystem::path& path);

}  // namespace ttfm::cli
