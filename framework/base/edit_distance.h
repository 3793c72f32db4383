// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ttfm {

/// Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, replacements and swaps of
/// neighbouring characters.
size_t edit_distance(std::string_view a, std::string_view b);

/// The two differ in capital letters at most.
bool equal_but_for_case(std::string_view a, std::string_view b);

/// The candidate nearest to `given`, or "" where none is within max(2, length / 3) edits. Ties go to the first; one that
/// differs in capital letters alone is the nearest.
std::string nearest_name(std::string_view given, const std::vector<std::string>& candidates);

/// "a, b, c"; "none" for an empty list.
std::string join(const std::vector<std::string>& names);

}  // namespace ttfm
