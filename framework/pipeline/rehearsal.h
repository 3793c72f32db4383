// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "pipeline/session.h"

namespace ttfm::pipeline {

/// Makes every component of a run once, for the shape of its data, before anything is trained or written. Throws
/// ttfm::Error (config) at the line of what a component refuses, or of what two of them disagree on. Returns how many bytes
/// a checkpoint of each stage will have, by its name.
std::map<std::string, int64_t> rehearse(const Session& session);

}  // namespace ttfm::pipeline
