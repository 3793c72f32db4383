// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace ttfm::io {

struct SafetensorsType {
  const char* name;
  c10::ScalarType dtype;
  uint64_t bytes;
};

inline constexpr SafetensorsType kSafetensorsTypes[] = {
    {"F64", c10::ScalarType::Double, 8},    {"F32", c10::ScalarType::Float, 4}, {"F16", c10::ScalarType::Half, 2},
    {"BF16", c10::ScalarType::BFloat16, 2}, {"I64", c10::ScalarType::Long, 8},  {"I32", c10::ScalarType::Int, 4},
    {"I16", c10::ScalarType::Short, 2},     {"I8", c10::ScalarType::Char, 1},   {"U8", c10::ScalarType::Byte, 1},
    {"BOOL", c10::ScalarType::Bool, 1},
};

inline const SafetensorsType* find_type(std::string_view name) {
  for (const auto& type : kSafetensorsTypes) {
    if (name == type.name) return &type;
  }
  return nullptr;
}

inline const SafetensorsType* find_type(c10::ScalarType dtype) {
  for (const auto& type : kSafetensorsTypes) {
    if (dtype == type.dtype) return &type;
  }
  return nullptr;
}

/// "F64, F32, ..."
inline std::string known_types() {
  std::string all;
  for (const auto& type : kSafetensorsTypes) all += (all.empty() ? "" : ", ") + std::string(type.name);
  return all;
}

}  // namespace ttfm::io
