// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <string>

/// Bounds on what is taken from files that somebody else may have written. Each keeps memory and time in proportion, and
/// each can be raised by its environment variable (docs/explanation/untrusted_files.md). Data sets have parameters
/// instead.
namespace ttfm {

struct Limit {
  const char* variable;  ///< "TTFM_MAX_CONFIG_BYTES"
  uint64_t standard;     ///< what holds where the variable is not set

  /// The limit of this process. Throws ttfm::Error (config) for a variable that is no whole number.
  uint64_t value() const;

  /// For the end of a refusal: "the limit is 1048576 (TTFM_MAX_CONFIG_BYTES=2000000 raises it)".
  std::string text(uint64_t needed) const;
};

namespace limits {

inline constexpr Limit kConfigBytes{"TTFM_MAX_CONFIG_BYTES", uint64_t{1} << 20};  ///< of one file
inline constexpr Limit kConfigFiles{"TTFM_MAX_CONFIG_FILES", 64};  ///< bases of bases can double at each level
inline constexpr Limit kManifestBytes{"TTFM_MAX_MANIFEST_BYTES", uint64_t{1} << 20};   ///< of MANIFEST.json
inline constexpr Limit kMetricsBytes{"TTFM_MAX_METRICS_BYTES", uint64_t{1} << 30};     ///< of metrics.jsonl
inline constexpr Limit kNoteBytes{"TTFM_MAX_NOTE_BYTES", uint64_t{1} << 16};           ///< of a plugin's note segment
inline constexpr Limit kProgramHeaders{"TTFM_MAX_PROGRAM_HEADERS", 256};               ///< of a plugin's file
inline constexpr Limit kSafetensorsDimensions{"TTFM_MAX_SAFETENSORS_DIMENSIONS", 16};  ///< of a tensor
inline constexpr Limit kSafetensorsHeaderBytes{"TTFM_MAX_SAFETENSORS_HEADER_BYTES", uint64_t{1} << 24};
inline constexpr Limit kStateBytes{"TTFM_MAX_STATE_BYTES", uint64_t{1} << 20};  ///< of a checkpoint's state.json

}  // namespace limits
}  // namespace ttfm
