// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "fake_device.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/numbers.h>

/// That the device finds what it is there to find.
namespace ttfm::test {
namespace {

class FakeDevice : public testing::Test {
 protected:
  const at::TensorOptions there_ = at::TensorOptions().dtype(at::kFloat).device(fake_device());
  const at::Tensor here_ = at::arange(6, at::TensorOptions().dtype(at::kFloat)).view({2, 3});
  const at::Tensor x_ = here_.to(there_.device());
};

TEST_F(FakeDevice, ComputesOnViewsAndBack) {
  EXPECT_EQ(x_.device().str(), "ttfmfake:0");
  const at::Tensor view = x_.t().narrow(0, 1, 2);
  view.mul_(10);
  EXPECT_TRUE(view.is_alias_of(x_));
  at::Tensor expected = here_.clone();
  expected.t().narrow(0, 1, 2).mul_(10);
  EXPECT_EQ(conformance::max_difference(x_.cpu(), expected), 0);
}

TEST_F(FakeDevice, ResizesOutputs) {
  at::Tensor out = at::empty({0}, there_);
  at::add_out(out, x_, x_);
  EXPECT_EQ(conformance::max_difference(out.cpu(), here_ * 2), 0);
}

TEST_F(FakeDevice, RefusesOperandsOfTheHost) {
  EXPECT_THROW(x_ + here_, c10::Error);
  EXPECT_THROW(here_ + x_, c10::Error);
  EXPECT_THROW(at::cat({x_, here_}), c10::Error);
  EXPECT_THROW(here_.clone().add_(x_), c10::Error);
  EXPECT_EQ(conformance::max_difference((x_ + here_.select(0, 0).select(0, 2)).cpu(), here_ + 2), 0)
      << "numbers may come from there";
}

TEST_F(FakeDevice, CountsWaits) {
  const auto waits = [before = device_waits()] { return device_waits() - before; };
  const at::Tensor sum = (x_ * 2).sum() + here_.to(there_.device(), /*non_blocking=*/true).sum();
  EXPECT_EQ(waits(), 0);
  sum.item<float>();
  EXPECT_EQ(waits(), 1);
  x_.cpu();
  EXPECT_EQ(waits(), 2);
  here_.to(there_.device());
  EXPECT_EQ(waits(), 3);
}

TEST(FakeDeviceDeathTest, HidesItsMemoryFromTheHost) {
  const at::Tensor x = at::ones({4}, at::TensorOptions().device(fake_device()));
  EXPECT_DEATH(EXPECT_EQ(x.const_data_ptr<float>()[1], 1), "");
}

}  // namespace
}  // namespace ttfm::test
