// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <string_view>

#include <ttfm/error.h>

#include "config/config.h"

/// Errors that are found only when the components of a validated configuration are made, told like its own.
namespace ttfm::config {

/// An error at a key of a section, at its `type` where that was not given, else at its header.
Error error_at(const Section& section, std::string_view key, int code, const std::string& message,
               const std::string& note = "");

/// The error (config) with which the section's component refuses its parameters, at the first of them that its text
/// names. Errors of other kinds, and those that have a place, stay as they are.
Error located(const Error& error, const Section& section);

}  // namespace ttfm::config
