// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <cstdint>
#include <string>

namespace ttfm {

/// A number of bytes for people: "12 B", "1.66 MB". Powers of 1000.
std::string size_text(uint64_t bytes);

}  // namespace ttfm
