// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>
#include <string_view>

#include <ttfm/abi.h>

namespace ttfm::host {

/// Whether a text has bytes that would steer the terminal it is shown on, or break its line: below 0x20, or 0x7f.
bool has_control_bytes(std::string_view text);

/// What is wrong with a component's parameter table ("parameter 'step' is there twice"), "" if nothing: names, types,
/// texts, and whether defaults and limits read as what their type says. A configuration is validated elsewhere.
std::string why_not_a_table(const ttfm_param_v1* params, uint32_t count);

}  // namespace ttfm::host
