// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <string_view>

#include "base/printable.h"

/// Numbers and strings as they stand in a configuration and in messages about it.
namespace ttfm::config {

/// The shortest text that reads back as `value`: 0.001, 1e-8, 3, inf.
std::string number_text(double value);

/// `text` as a basic string of TOML, in quotation marks.
std::string toml_string(std::string_view text);

/// A line of a text, from 1, without its end; empty if there is none.
std::string_view line_of(std::string_view text, int line);

}  // namespace ttfm::config
