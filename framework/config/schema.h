// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ttfm/abi.h>

#include "config/key.h"

/// Which sections a configuration has.
namespace ttfm::config {

struct SectionSpec {
  std::string path;               ///< "teacher.train"
  std::optional<ttfm_kind> kind;  ///< the component that `type` selects
  std::string default_type;       ///< "": `type` has to be given
  std::vector<Key> keys;          ///< the host's
  std::string doc;                ///< Markdown, a sentence or two
};

/// Every section, in the order of the reference and of print().
const std::vector<SectionSpec>& schema();

/// Null for a path that is no section of the schema.
const SectionSpec* find_section(std::string_view path);

/// "loss", "teacher", ...
std::string kind_text(ttfm_kind kind);

/// "teacher.train" of "teacher" and "train"; "train" of "" and "train".
std::string child_path(std::string_view parent, std::string_view name);

}  // namespace ttfm::config
