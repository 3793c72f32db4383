// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include "config/config.h"

/// The reference of the configuration as Markdown: a table of keys for each section and component.
namespace ttfm::config {

/// The host's sections; docs/reference/configuration.md holds this text.
std::string host_reference_markdown();

/// The host's sections and the parameters of every known component.
std::string reference_markdown(const Components& components);

}  // namespace ttfm::config
