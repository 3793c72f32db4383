// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#pragma once

#include <array>
#include <cstdint>
#include <string>

/// Letters of 5x7 pixels for captions: digits, A-Z, a-z, space and . , : = - + / ( ) _ %
namespace ttfm::eval::font {

inline constexpr int64_t kWidth = 5;
inline constexpr int64_t kHeight = 7;
inline constexpr int64_t kAdvance = 6;  ///< from one letter to the next

/// Rows from the top; bit 4 is the leftmost pixel.
using Glyph = std::array<uint8_t, kHeight>;

/// A box for characters that the font does not have.
const Glyph& glyph(char letter);

/// Pixels that a line is wide at scale 1.
int64_t width_of(const std::string& line);

}  // namespace ttfm::eval::font
