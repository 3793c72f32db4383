// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string_view>

#include "config/diagnose.h"

/// What to do about text that is not TOML: a parser says where it gave up, not what was meant.
namespace ttfm::config {

/// Gives the problem a note, where its line shows what was meant: "a string stands in quotation marks: \"first\"".
/// `said` is what the parser said. The caret of a word that is no value goes to the word.
void advise(Problem& problem, std::string_view line, std::string_view said);

}  // namespace ttfm::config
