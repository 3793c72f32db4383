// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include <ttfm/abi.h>

namespace ttfm {

/// Every kind, in the order of a configuration: what a run reads, learns from, trains, trains with, and draws by.
inline constexpr std::array<ttfm_kind, 5> kKinds = {TTFM_DATASET, TTFM_TEACHER, TTFM_STUDENT, TTFM_LOSS, TTFM_SAMPLER};

/// "loss", ...; the name of the kind's section in a configuration and of its half of `kind/name`.
constexpr std::string_view kind_name(ttfm_kind kind) {
  switch (kind) {
    case TTFM_LOSS:
      return "loss";
    case TTFM_TEACHER:
      return "teacher";
    case TTFM_STUDENT:
      return "student";
    case TTFM_SAMPLER:
      return "sampler";
    case TTFM_DATASET:
      return "dataset";
  }
  return "";
}

constexpr std::optional<ttfm_kind> kind_of_name(std::string_view name) {
  for (const ttfm_kind kind : kKinds) {
    if (kind_name(kind) == name) return kind;
  }
  return std::nullopt;
}

/// [a-z][a-z0-9_]*, the form of every name of a plugin, a component and a parameter.
constexpr bool is_snake_case(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  for (const char c : name) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') return false;
  }
  return true;
}

}  // namespace ttfm
