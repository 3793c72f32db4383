// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <exception>

#include <ttfm/error.h>

namespace ttfm::run {

/// The program ended with work left that a later `--resume=auto` does (EX_TEMPFAIL of sysexits.h).
inline constexpr int kExitResumable = 75;

/// The program's exit code for an error: docs/reference/exit_codes.md.
int exit_code(const Error& error);

/// The same for whatever was thrown: memory that ran out counts as a device's (8), the file system's errors as 7,
/// anything unknown as a bug (1).
int exit_code(const std::exception& exception);

}  // namespace ttfm::run
