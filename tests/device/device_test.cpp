// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include <ttfm/conformance/numbers.h>
#include <ttfm/error.h>

#include "combinations.h"
#include "device_run.h"
#include "fake_device.h"

/// Whole runs on a device that is not the CPU: the same numbers, no operation across devices, no hidden waiting.
namespace ttfm::test {
namespace {

/// Equal to fp32's accuracy. Moments come after a step of AdamW, which turns rounding where a gradient is about 0 into
/// whole steps, and the second is a square, of twice the relative error.
void expect_equal(const Outcome& device, const Outcome& cpu) {
  ASSERT_EQ(device.size(), cpu.size());
  ASSERT_FALSE(cpu.empty());
  for (size_t i = 0; i < cpu.size(); ++i) {
    ASSERT_EQ(device[i].first, cpu[i].first);
    const double bound = cpu[i].first.find("optimizer") == std::string::npos ? 1e-5 : 3e-5;
    EXPECT_LE(conformance::relative_error(device[i].second, cpu[i].second), bound) << cpu[i].first;
  }
}

/// Whether `action` throws an error that says where a tensor of the host stood beside one of the device.
bool is_refused(const std::function<void()>& action) {
  std::string text;
  try {
    action();
  } catch (const c10::Error& error) {
    text = error.what_without_backtrace();
  } catch (const Error& error) {
    text = error.what();
  }
  return text.find("cpu") != std::string::npos && text.find("ttfmfake") != std::string::npos;
}

class DeviceTest : public testing::TestWithParam<Combination> {
 protected:
  Experiment experiment_{GetParam().toml};
  DeviceRun cpu_{experiment_, c10::kCPU};
  DeviceRun device_{experiment_, fake_device()};
};

TEST_P(DeviceTest, NetworksAndTheirDerivativesAreThoseOfTheCpu) {
  for (DeviceRun* run : {&cpu_, &device_}) {
    run->take();
    run->differentiate();
  }
  expect_equal(device_.take(), cpu_.take());
}

TEST_P(DeviceTest, TrainingIsThatOfTheCpu) {
  for (DeviceRun* run : {&cpu_, &device_}) run->train_student();
  expect_equal(device_.take(), cpu_.take());
}

TEST_P(DeviceTest, TrainingNeverWaits) {
  device_.train_student();
  EXPECT_EQ(device_.waits_of_steps(), 0);
}

TEST_P(DeviceTest, TeachersAndSamplesAreThoseOfTheCpu) {
  for (DeviceRun* run : {&cpu_, &device_}) {
    run->take();
    run->ask_teacher();
    run->sample();
  }
  expect_equal(device_.take(), cpu_.take());
}

TEST_P(DeviceTest, EvaluationIsThatOfTheCpu) {
  const eval::Results cpu = cpu_.evaluate(), device = device_.evaluate();
  EXPECT_EQ(device.notes, cpu.notes);
  EXPECT_EQ(device.metrics, cpu.metrics);
  ASSERT_EQ(device.rows.size(), cpu.rows.size());
  for (size_t i = 0; i < cpu.rows.size(); ++i) {
    EXPECT_EQ(device.rows[i].evaluations, cpu.rows[i].evaluations);
    for (size_t j = 0; j < cpu.metrics.size(); ++j) {
      const auto &value = device.rows[i].values[j], &expected = cpu.rows[i].values[j];
      ASSERT_EQ(value.has_value(), expected.has_value());
      if (!expected) continue;
      EXPECT_NEAR(*value, *expected, 1e-4 * std::max(1.0, *expected)) << cpu.metrics[j];
    }
  }
  ASSERT_EQ(device.measures.size(), cpu.measures.size());
  for (size_t i = 0; i < cpu.measures.size(); ++i) {
    EXPECT_NEAR(device.measures[i].second, cpu.measures[i].second, 1e-4 * cpu.measures[i].second)
        << cpu.measures[i].first;
  }
}

TEST_P(DeviceTest, TensorsOfTheHostAreRefused) {
  const at::NoGradGuard no_grad;
  std::vector<int64_t> shape = device_.assembly().data_shape();
  shape.insert(shape.begin(), 2);
  const Tensor x = conformance::stream(1).normal(shape), t = conformance::stream(2).uniform({2});
  const Tensor x_there = x.to(fake_device()), t_there = t.to(fake_device());
  const FlowMap& map = device_.student().flow_map();
  const Field& field = device_.teacher();
  Call call;
  EXPECT_TRUE(is_refused([&] { map.velocity(x, t, t, call); })) << "the weights are on the device";
  EXPECT_TRUE(is_refused([&] { map.velocity(x_there, t_there, t, call); }));
  EXPECT_TRUE(is_refused([&] { map.derivative(x_there, t_there, t_there, {.dx = x}, call); }));
  EXPECT_TRUE(is_refused([&] { field.velocity(x_there, t, call); }));
  EXPECT_TRUE(is_refused([&] { device_.train_on_batches_of(c10::kCPU); }));
  if (device_.student().traits().classes > 0) {
    call.label = at::arange(2);
    EXPECT_TRUE(is_refused([&] { map.velocity(x_there, t_there, t_there, call); }));
  }
}

INSTANTIATE_TEST_SUITE_P(Runs, DeviceTest, testing::ValuesIn(kCombinations),
                         [](const auto& combination) { return combination.param.name; });

}  // namespace
}  // namespace ttfm::test
