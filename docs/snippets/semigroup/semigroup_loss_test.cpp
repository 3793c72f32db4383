// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "semigroup_loss.h"

#include <gtest/gtest.h>

#include "support/facades.h"
#include "support/oracle.h"

namespace ttfm::loss {
namespace {

using namespace ttfm::test;

TEST(SemigroupLoss, OfTheExactMapIsZero) {
  OracleCase oracle(16, {2}, /*student_scale=*/0, /*target_scale=*/0);

  const LossOutcome out = compute(SemigroupLoss({}), oracle.setup);

  EXPECT_LT(out.mean("terminal"), 1e-26);
  EXPECT_LT(out.mean("initial"), 1e-26);
}

TEST(SemigroupLoss, SeesAnErrorOfTheStudent) {
  OracleCase oracle(16, {2}, /*student_scale=*/0.5, /*target_scale=*/0);

  const LossOutcome out = compute(SemigroupLoss({}), oracle.setup);

  EXPECT_GT(out.mean("terminal"), 1e-3);
  EXPECT_TRUE(reaches(out.total, oracle.student.g));
}

}  // namespace
}  // namespace ttfm::loss
