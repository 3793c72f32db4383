// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <functional>
#include <string>

namespace ttfm::conformance {

/// The text of the ttfm::Error that `action` throws; fails the test if it throws none.
std::string error_text(const std::function<void()>& action);

}  // namespace ttfm::conformance
