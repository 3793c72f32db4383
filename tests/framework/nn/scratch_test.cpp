// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "nn/scratch.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <thread>

namespace ttfm::nn {
namespace {

TEST(Scratch, GrowsAndIsAligned) {
  Scratch scratch;
  float* const small = scratch.get<float>(10);
  EXPECT_EQ(scratch.get<float>(4), small);
  float* const large = scratch.get<float>(1 << 20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % 64, 0u);
  large[(1 << 20) - 1] = 1;
  EXPECT_EQ(scratch.get<uint8_t>(4 << 20), static_cast<void*>(large));
}

TEST(Scratch, WhatIsInUseIsNobodyElses) {
  Scratch first;
  float* const memory = first.get<float>(1000);
  Scratch second;
  EXPECT_NE(second.get<float>(1000), memory);
}

TEST(Scratch, WhatWasGivenBackIsTakenAgain) {
  const auto taken = [](int64_t count) { return Scratch().get<float>(count); };
  std::thread([&] {  // which has nothing yet
    float* const memory = taken(3000);
    EXPECT_EQ(taken(2500), memory);
    EXPECT_NE(taken(10), memory) << "a block much too large";
    EXPECT_NE(taken(7000), memory) << "a block too small";
    std::thread([&] { EXPECT_NE(taken(3000), memory) << "of another thread"; }).join();
  })
      .join();
}

TEST(Scratch, MoreThanAThreadKeeps) {
  std::array<Scratch, 40> many;
  for (int round = 0; round < 2; ++round) {
    std::set<float*> places;
    for (Scratch& each : many) places.insert(each.get<float>(1000 << round));
    EXPECT_EQ(places.size(), many.size());
  }
}

}  // namespace
}  // namespace ttfm::nn
