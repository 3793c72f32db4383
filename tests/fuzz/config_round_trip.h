// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ttfm::fuzz {

/// A smallest valid configuration.
inline constexpr const char* kSmallConfiguration =
    "[dataset]\ntype = \"gaussian_mixture\"\n[student]\ntype = \"mlp\"\n[loss]\ntype = \"itvm\"\n";

/// Loads it. If it is taken: what is printed of it loads to the same values, and JSON can be made of it.
void check_configuration(const std::filesystem::path& file, const std::vector<std::string>& overrides);

}  // namespace ttfm::fuzz
