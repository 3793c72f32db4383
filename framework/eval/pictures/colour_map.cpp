// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/pictures/colour_map.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ttfm::eval {
namespace {

constexpr std::array<Colour, 10> kViridis = {{{0x44, 0x01, 0x54},
                                              {0x48, 0x28, 0x78},
                                              {0x3E, 0x49, 0x89},
                                              {0x31, 0x68, 0x8E},
                                              {0x26, 0x82, 0x8E},
                                              {0x1F, 0x9E, 0x89},
                                              {0x35, 0xB7, 0x79},
                                              {0x6E, 0xCE, 0x58},
                                              {0xB5, 0xDE, 0x2B},
                                              {0xFD, 0xE7, 0x25}}};

}  // namespace

Colour viridis(double value) {
  const double position = std::clamp(value, 0.0, 1.0) * (kViridis.size() - 1);
  const auto below = std::min(static_cast<size_t>(position), kViridis.size() - 2);
  const double share = position - static_cast<double>(below);
  const auto mix = [share](uint8_t a, uint8_t b) { return static_cast<uint8_t>(std::lround(a + share * (b - a))); };
  const Colour &a = kViridis[below], &b = kViridis[below + 1];
  return {mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue)};
}

}  // namespace ttfm::eval
