// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/allocator.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <vector>

namespace ttfm {
namespace {

constexpr int64_t kMebibyte = 1 << 20;

at::Tensor bytes(int64_t count) { return at::empty({count}, at::kByte); }

class Allocator : public testing::Test {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "which has its own";
#endif
    keep_freed_memory();
  }
};

TEST_F(Allocator, LeavesTheGapOfALargeTensorToTheNextOne) {
  at::Tensor large = bytes(8 * kMebibyte), above = bytes(kMebibyte);
  const void* const place = large.const_data_ptr();
  large.reset();
  std::vector<at::Tensor> small(100);
  for (at::Tensor& each : small) each = bytes(32 << 10);

  EXPECT_EQ(bytes(8 * kMebibyte).const_data_ptr(), place);
}

TEST_F(Allocator, JoinsGapsAndTakesTheSmallestOneThatIsLargeEnough) {
  const auto place = [](const at::Tensor& x) { return static_cast<const char*>(x.const_data_ptr()); };
  // two gaps, the larger one where two tensors were
  at::Tensor a = bytes(4 * kMebibyte), b = bytes(4 * kMebibyte), first = bytes(kMebibyte);
  at::Tensor c = bytes(6 * kMebibyte), second = bytes(kMebibyte);
  const char *const lower = std::min(place(a), place(b)), *const of_c = place(c);
  a.reset();
  b.reset();
  c.reset();

  const at::Tensor fits_both = bytes(5 * kMebibyte), fits_one = bytes(8 * kMebibyte);
  EXPECT_EQ(place(fits_both), of_c);
  EXPECT_EQ(place(fits_one), lower);
}

TEST_F(Allocator, KeepsTensorsApartWhoeverFreesThem) {
  struct Filled {
    at::Tensor x;
    uint8_t value;
  };
  std::vector<std::vector<Filled>> tensors(4);
  const auto fill = [&](size_t thread) {
    for (int64_t i = 0; i < 200; ++i) {
      // some of malloc's, some large; every third is freed at once
      const int64_t size = 1 + (i * 7919 + static_cast<int64_t>(thread) * 104729) % (300 << 10);
      at::Tensor x = bytes(size);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(x.const_data_ptr()) % 64, 0U);
      const auto value = static_cast<uint8_t>(i + 50 * thread);
      std::fill_n(x.mutable_data_ptr<uint8_t>(), size, value);
      if (i % 3 != 0) tensors[thread].push_back({x, value});
    }
  };
  const auto check = [&](size_t thread) {
    for (Filled& each : tensors[thread]) {
      const auto* const p = each.x.const_data_ptr<uint8_t>();
      EXPECT_TRUE(std::all_of(p, p + each.x.numel(), [&](uint8_t y) { return y == each.value; }));
      each.x.reset();
    }
  };
  const auto on_threads = [](const auto& f) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 4; ++i) threads.emplace_back(f, i);
    for (std::thread& each : threads) each.join();
  };
  on_threads(fill);
  on_threads([&](size_t thread) { check((thread + 1) % 4); });
}

TEST_F(Allocator, SaysThatThereIsNotSoMuchMemory) {
  EXPECT_THROW(bytes(int64_t{1} << 46), c10::Error);
  EXPECT_NO_THROW(bytes(kMebibyte));
}

TEST(AllocatorDeathTest, DoesWithoutItsRegionWhereAddressSpaceIsScarce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto in_little_space = [] {
    const rlim_t pages = static_cast<rlim_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
    const rlimit limit{pages, pages};
    if (setrlimit(RLIMIT_AS, &limit) != 0) std::exit(1);
    keep_freed_memory();
    std::exit(bytes(kMebibyte).fill_(7).sum().item<int64_t>() == 7 * kMebibyte ? 0 : 2);
  };
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "which needs more address space than there is memory";
#endif
  EXPECT_EXIT(in_little_space(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ttfm
