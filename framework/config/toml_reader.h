// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/diagnose.h"
#include "config/node.h"

/// TOML text to a tree of nodes. The only user of toml++.
namespace ttfm::config {

/// The bytes of a file. Throws ttfm::Error (config) if it cannot be read, is no regular file or is larger than
/// limits::kConfigBytes.
std::string read_file(const std::filesystem::path& file);

/// The table that a whole file is. What is wrong with it goes to `problems`, and the result is empty.
std::optional<Node> parse_file(const std::shared_ptr<const Source>& source, Diagnostics& problems);

/// A single value such as `[1, 2]`, in places of `source` from `column` on. Empty if `text` is no TOML value.
std::optional<Node> parse_value(std::string_view text, const std::shared_ptr<const Source>& source = nullptr,
                                int column = 1);

}  // namespace ttfm::config
