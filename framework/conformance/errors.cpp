// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/conformance/errors.h>

#include <gtest/gtest.h>

#include <ttfm/error.h>

namespace ttfm::conformance {

std::string error_text(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "expected a ttfm::Error";
  return {};
}

}  // namespace ttfm::conformance
