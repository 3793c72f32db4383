// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "config/config.h"

namespace ttfm::pipeline {

/// What a run's checkpoints take of the disk, and what there is.
struct DiskNeeds {
  std::filesystem::path folder;  ///< where runs are made
  int64_t checkpoint = 0;        ///< bytes of the largest stage's checkpoint
  int64_t count = 0;             ///< checkpoints that there can be at once, over all stages
  int64_t total = 0;             ///< bytes of them all, and of the one that is being written
  int64_t available = -1;        ///< bytes that this user can write there; negative: not known

  std::string text() const;  ///< "12.3 MB for 5 checkpoints of at most 2.5 MB; 120 GB are free in 'runs'"
};

/// `checkpoint_bytes` is of each stage: what rehearse() finds.
DiskNeeds disk_needs(const config::Resolved& config, const std::map<std::string, int64_t>& checkpoint_bytes);

/// Throws ttfm::Error (io) where the checkpoints of a new run will not fit.
void require_disk(const DiskNeeds& needs);

}  // namespace ttfm::pipeline
