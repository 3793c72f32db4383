// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <ttfm/conformance/facades.h>
#include <ttfm/conformance/oracle.h>

#include "losses/itvm/itvm_loss.h"
#include "losses/lfmd/lfmd_loss.h"

namespace ttfm::loss {
namespace {

using namespace ttfm::conformance;

using Options = ItvmLoss::Options;

/// The point of the class that is LFMD.
Options lfmd_point() {
  Options options;
  options.step = 1;
  options.target = ItvmLoss::Target::self;
  options.derivative = ItvmLoss::Derivative::jvp;
  options.damping = 1;
  options.stop_gradient = ItvmLoss::StopGradient::none;
  options.lambda_init = 0;
  return options;
}

TEST(ItvmLoss, ContainsLfmdAsOnePoint) {
  for (const auto& sample : {std::vector<int64_t>{2}, std::vector<int64_t>{3, 4, 4}}) {
    for (const auto stop : {ItvmLoss::StopGradient::none, ItvmLoss::StopGradient::teacher}) {
      OracleCase oracle(16, sample, 0.5, 0);
      Options options = lfmd_point();
      options.stop_gradient = stop;
      LfmdLoss::Options lfmd_options;
      if (stop == ItvmLoss::StopGradient::teacher) lfmd_options.stop_gradient = LfmdLoss::StopGradient::teacher;

      const LossOutcome itvm = compute(ItvmLoss(options), oracle.setup);
      const LossOutcome lfmd = compute(LfmdLoss(lfmd_options), oracle.setup);

      EXPECT_LT(max_difference(itvm.terms.at("terminal"), lfmd.terms.at("terminal")), 1e-12);
      EXPECT_LT(relative_error(gradient(itvm.total, oracle.student.g), gradient(lfmd.total, oracle.student.g)), 1e-12);
      EXPECT_GT(lfmd.value(), 0.1);
    }
  }
}

}  // namespace
}  // namespace ttfm::loss
