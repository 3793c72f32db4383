// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include <ATen/core/Tensor.h>

#include <ttfm/error.h>

/// How a check says what it found.
namespace ttfm::conformance {

/// The text of what `action` throws; "" if it throws nothing.
inline std::string thrown_by(const std::function<void()>& action) {
  try {
    action();
    return "";
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return text.substr(0, text.find("\nException raised from"));  // LibTorch's backtrace
  }
}

inline std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

inline std::string dtype_text(c10::ScalarType dtype) {
  switch (dtype) {
    case at::kDouble:
      return "float64";
    case at::kFloat:
      return "float32";
    case at::kLong:
      return "int64";
    case at::kByte:
      return "uint8";
    default:
      return c10::toString(dtype);
  }
}

}  // namespace ttfm::conformance
