// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <span>
#include <string_view>

namespace ttfm::cli {

/// A file of the project that `ttfm plugin new` writes. In its path and its text stand
///   @name@  the component's name, acme_2b     @Name@  the same in CamelCase, Acme2b
///   @kind@  loss, student, ...                @file@  the name of its source files, acme_2b_loss
/// A template is plugin/KIND/PATH.in in this folder; those of all kinds are in plugin/common.
struct Template {
  std::string_view kind;  ///< "common": in every project
  std::string_view path;
  std::string_view text;
};

std::span<const Template> plugin_templates();

}  // namespace ttfm::cli
