// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/failure.h"

#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>

namespace ttfm::run {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

Failure sample() {
  Failure failure;
  failure.stage = "student";
  failure.step = 38;
  failure.seed = std::numeric_limits<uint64_t>::max();
  failure.config = "config.resolved.2.toml";
  failure.versions = {{"ttfm", "1.0.0"}};
  failure.not_finite = {"loss term 'initial' (1 of 2 samples)"};
  failure.weights = {{"model", {{"in.weight", at::tensor({1.F, 2.F})}, {"a/b", at::tensor({3.F})}}},
                     {"copy-0", {{"in.weight", at::tensor({4.F, 5.F})}}}};
  failure.indices = at::tensor(std::vector<int64_t>{7, 3});
  failure.terms = {{"initial", at::tensor({kNan, 1.F})}};
  failure.values = {{"s", at::tensor({0.25F, 0.5F})}, {"t", at::tensor({0.5F, 0.75F})}};
  failure.loss = at::tensor(kNan);
  failure.gradient_norm = at::tensor(2.F);
  return failure;
}

TEST(Failure, IsReadAsItWasWritten) {
  const conformance::TemporaryFolder folder;
  const auto path = folder.path() / "failure" / "student-step-00000038.safetensors";
  const Failure written = sample();
  write_failure(path, written);

  const Failure read = read_failure(path);

  EXPECT_EQ(read.stage, written.stage);
  EXPECT_EQ(read.step, written.step);
  EXPECT_EQ(read.seed, written.seed);
  EXPECT_EQ(read.config, written.config);
  EXPECT_EQ(read.versions, written.versions);
  EXPECT_EQ(read.not_finite, written.not_finite);
  ASSERT_EQ(read.weights.size(), 2U);
  EXPECT_EQ(read.weights[0].name, "model");
  EXPECT_EQ(read.weights[0].tensors[1].name, "a/b");
  EXPECT_TRUE(at::equal(read.weights[0].tensors[1].value, written.weights[0].tensors[1].value));
  EXPECT_EQ(read.weights[1].name, "copy-0");
  EXPECT_TRUE(at::equal(read.indices, written.indices));
  EXPECT_TRUE(std::isnan(read.terms.at("initial")[0].item<float>()));
  EXPECT_TRUE(at::equal(read.values.at("t"), written.values.at("t")));
  EXPECT_TRUE(std::isnan(read.loss.item<float>()));
  EXPECT_EQ(read.gradient_norm.item<float>(), 2);
}

TEST(Failure, AnotherFileIsRefused) {
  const conformance::TemporaryFolder folder;
  const auto path = folder.path() / "model.safetensors";
  io::write_safetensors(path, {{"a", at::tensor({1.F})}});
  EXPECT_EQ(
      conformance::error_text([&] { read_failure(path); }),
      "'" + path.string() +
          "' does not hold a failed step: it has no metadata 'ttfm.failure'. Files of this kind are in the folder "
          "failure/ of a run that stopped with exit code 6");

  io::write_safetensors(path, {{"a", at::tensor({1.F})}}, {{"ttfm.failure", R"({"format":2})"}});
  EXPECT_EQ(conformance::error_text([&] { read_failure(path); }),
            "'" + path.string() + "' does not hold a failed step: its format is 2, this program reads 1");

  io::write_safetensors(path, {{"a", at::tensor({1.F})}}, {{"ttfm.failure", R"({"format":1,"stage":3})"}});
  EXPECT_NE(conformance::error_text([&] { read_failure(path); }).find("does not hold a failed step: "),
            std::string::npos);
}

}  // namespace
}  // namespace ttfm::run
