// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "train/batches.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <set>

#include "framework/train/tiny.h"

namespace ttfm::train {
namespace {

std::vector<int64_t> samples(TrainingBatches& batches, int64_t step) {
  const Tensor x = batches.take(step).x_1.contiguous();
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < x.size(0); ++i) indices.push_back(static_cast<int64_t>(x.const_data_ptr<float>()[2 * i]));
  return indices;
}

TEST(TrainingBatches, EveryEpochIsAPermutationAlsoWhereBatchesCrossItsBorder) {
  const test::TinyDataset dataset;
  TrainingBatches batches(dataset, 1, 4, c10::kCPU);
  std::vector<int64_t> order;
  for (int64_t step = 0; step < 10; ++step) {
    for (const int64_t index : samples(batches, step)) order.push_back(index);
  }

  std::set<std::vector<int64_t>> epochs;
  for (size_t epoch = 0; epoch < 4; ++epoch) {
    const auto first = order.begin() + static_cast<std::ptrdiff_t>(10 * epoch);
    EXPECT_EQ(std::set<int64_t>(first, first + 10).size(), 10u);
    epochs.insert(std::vector<int64_t>(first, first + 10));
  }
  EXPECT_EQ(epochs.size(), 4u);
}

TEST(TrainingBatches, ABatchIsAFunctionOfSeedAndStep) {
  const test::TinyDataset dataset;
  TrainingBatches in_order(dataset, 1, 4, c10::kCPU), jumping(dataset, 1, 4, c10::kCPU),
      other(dataset, 2, 4, c10::kCPU);
  for (int64_t step = 0; step < 7; ++step) in_order.take(step);

  const auto wanted = samples(in_order, 7);

  EXPECT_EQ(samples(jumping, 7), wanted);
  EXPECT_NE(samples(other, 7), wanted);
}

TEST(TrainingBatches, LabelsBelongToTheirSamples) {
  const test::TinyDataset dataset;
  TrainingBatches batches(dataset, 1, 10, c10::kCPU);

  const Batch batch = batches.take(0);

  EXPECT_TRUE(at::equal(batch.label, batch.x_1.select(1, 0).to(at::kLong).remainder(3)));
}

}  // namespace
}  // namespace ttfm::train
