// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "pipeline/disk.h"

#include <algorithm>

#include <ttfm/error.h>

#include "base/size_text.h"
#include "config/sections.h"
#include "config/view.h"

namespace ttfm::pipeline {
namespace {

/// The folder itself, or the nearest one above it that is there.
std::filesystem::path existing(std::filesystem::path folder) {
  std::error_code error;
  folder = std::filesystem::absolute(folder, error);
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  return folder;
}

}  // namespace

DiskNeeds disk_needs(const config::Resolved& config, const std::map<std::string, int64_t>& checkpoint_bytes) {
  const auto keep = config::read_section<config::CheckpointSection>(config.at("checkpoint"));
  DiskNeeds needs;
  needs.folder = config::read_section<config::RunSection>(config.at("run")).folder.value;
  for (const auto& [stage, bytes] : checkpoint_bytes) {
    const int64_t steps = config.at(stage == "teacher" ? "teacher.train" : "train").host.at("steps").integer;
    const int64_t written = (steps + keep.every - 1) / keep.every;
    int64_t kept = keep.keep_last + (keep.keep_best.empty() ? 0 : 1);
    if (keep.keep_every > 0) kept += steps / keep.keep_every;
    needs.count += std::min(kept, written);
    needs.total += std::min(kept, written) * bytes;
    needs.checkpoint = std::max(needs.checkpoint, bytes);
  }
  needs.total += needs.checkpoint;
  std::error_code error;
  const auto space = std::filesystem::space(existing(needs.folder), error);
  if (!error) needs.available = static_cast<int64_t>(space.available);
  return needs;
}

std::string DiskNeeds::text() const {
  return size_text(static_cast<uint64_t>(total)) + " for " + std::to_string(count) +
         (count == 1 ? " checkpoint" : " checkpoints") + " of at most " + size_text(static_cast<uint64_t>(checkpoint)) +
         " and the one that is being written; " +
         (available < 0 ? "nobody knows what is" : size_text(static_cast<uint64_t>(available)) + " are") +
         " free in '" + folder.string() + "'";
}

void require_disk(const DiskNeeds& needs) {
  if (needs.available < 0 || needs.available >= needs.total) return;
  throw Error(ErrorKind::io, "the run's checkpoints will not fit on the disk: " + needs.text() +
                                 ". Make room, keep fewer (--checkpoint.keep_last=1), or put the run elsewhere "
                                 "(--run.folder=FOLDER)");
}

}  // namespace ttfm::pipeline
