// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/ones.h>

#include <cmath>
#include <optional>

#include "framework/run/sealed_manifest.h"
#include "fuzz/fuzz.h"
#include "run/checkpoint.h"

/// The input is the state.json of a checkpoint whose manifest says that it is whole. If it is taken, it holds what a
/// training can go on from, and reads back after it was written.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ttfm;
  static const run::Checkpoints checkpoints(fuzz::folder() / "again");
  static const bool made = [] {
    io::write_safetensors(fuzz::folder() / "model.safetensors", {{"w", at::ones({2})}});
    return true;
  }();
  (void)made;
  fuzz::write("state.json", fuzz::text_of(data, size));
  run::write_manifest(fuzz::folder(), {"model.safetensors", "state.json"});

  std::optional<run::Checkpoint> once;
  if (!fuzz::accepted([&] { once = run::read_checkpoint(fuzz::folder()); })) return 0;
  const run::CheckpointState& state = once->state;
  fuzz::require(state.step >= 0 && state.images >= 0, "a checkpoint counts from 0");
  fuzz::require(state.seconds >= 0 && std::isfinite(state.seconds), "a checkpoint's seconds are a number");

  const std::filesystem::path folder = checkpoints.write(*once);
  const run::Checkpoint twice = run::read_checkpoint(folder);
  fuzz::require(twice.state.stage == state.stage && twice.state.step == state.step &&
                    twice.state.images == state.images && twice.state.seconds == state.seconds &&
                    twice.state.counters == state.counters && twice.state.metrics == state.metrics &&
                    twice.state.versions == state.versions,
                "a checkpoint's state reads back as it was");
  std::filesystem::remove_all(folder);
  return 0;
}
