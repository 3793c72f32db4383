// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ttfm/parallel.h>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace ttfm {
namespace {

using Ranges = std::vector<std::pair<int64_t, int64_t>>;

class ParallelFor : public testing::TestWithParam<int> {
 protected:
  void SetUp() override { at::set_num_threads(GetParam()); }
  void TearDown() override { at::set_num_threads(before_); }

  /// In order.
  static Ranges ranges(int64_t begin, int64_t end, int64_t grain) {
    Ranges out;
    std::mutex mutex;
    parallel_for(begin, end, grain, [&](int64_t from, int64_t to) {
      const std::lock_guard lock(mutex);
      out.emplace_back(from, to);
    });
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  int before_ = at::get_num_threads();
};

TEST_P(ParallelFor, CoversAllWithAsManyRangesAsThreads) {
  const auto threads = static_cast<size_t>(GetParam());
  const Ranges found = ranges(3, 103, 1);
  ASSERT_EQ(found.size(), threads);
  EXPECT_EQ(found.front().first, 3);
  EXPECT_EQ(found.back().second, 103);
  for (size_t i = 1; i < found.size(); ++i) EXPECT_EQ(found[i].first, found[i - 1].second);
}

TEST_P(ParallelFor, IsOneRangeWhereMoreWouldBeTooShort) {
  EXPECT_EQ(ranges(0, 10, 10), (Ranges{{0, 10}}));
  EXPECT_EQ(ranges(5, 5, 1), Ranges());
}

TEST_P(ParallelFor, UsesAThreadForEachRange) {
  std::set<std::thread::id> seen;
  std::mutex mutex;
  parallel_for(0, 64, 1, [&](int64_t, int64_t) {
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(seen.size(), static_cast<size_t>(GetParam()));
}

TEST_P(ParallelFor, IsOneRangeInsideOfAnother) {
  std::atomic<int> inner = 0;
  parallel_for(0, 2, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) parallel_for(0, 64, 1, [&](int64_t, int64_t) { ++inner; });
  });
  EXPECT_EQ(inner, 2);
}

TEST_P(ParallelFor, ThrowsWhatARangeThrows) {
  EXPECT_THROW(parallel_for(0, 64, 1,
                            [](int64_t, int64_t to) {
                              if (to == 64) throw std::out_of_range("the last");
                            }),
               std::out_of_range);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelFor, testing::Values(1, 2, 3));

}  // namespace
}  // namespace ttfm
