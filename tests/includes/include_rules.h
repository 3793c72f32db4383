// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

namespace ttfm::includes {

/// Who may include whom. `file` is a path from the root of the sources ("framework/run/signals.cpp") and `target` what
/// stands in one of its #include lines, with its quotes or brackets. Empty if that is allowed, else why it is not.
std::string objection(const std::string& file, const std::string& target);

/// What the line includes, with its quotes or brackets; empty if it is no #include line.
std::string included_by(const std::string& line);

}  // namespace ttfm::includes
