// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <string>

#include <ttfm/abi.h>

namespace ttfm::host {

/// What is wrong with a component's parameter table ("parameter 'step' is there twice"), "" if nothing: names, types,
/// texts, and whether defaults and limits read as what their type says. A configuration is validated elsewhere.
std::string why_not_a_table(const ttfm_param_v1* params, uint32_t count);

}  // namespace ttfm::host
