#include "pseudo_huber_loss.h"
#include <gtest/gtest.h>
#include <ttfm/conformance/oracle.h>
using namespace ttfm::conformance;

TEST(PseudoHuberLoss, OfTheExactMapHasNoInitialTermAndATargetOfOrderTwo) {
  const auto terminal = [](double step) {  // a square at this c: it falls with the fourth power of the target's error
    OracleCase oracle(16, {2}, 0, 0);
    const LossOutcome out = compute(PseudoHuberLoss({.c_first = 100, .step = step}), oracle.setup);
    EXPECT_NEAR(out.mean("initial"), 0, 1e-12);
    return out.mean("terminal");
  };
  EXPECT_GT(terminal(0.1) / terminal(0.05), 16);
}

TEST(PseudoHuberLoss, TurnsFromSquareToLength) {
  OracleCase oracle(16, {2}, 0.5, 0);
  oracle.setup.steps = 2, oracle.setup.step = 1;  // c = sqrt(c_first c_last)
  const double length = compute(PseudoHuberLoss({.c_first = 1e-4, .c_last = 1e-4}), oracle.setup).mean("initial");
  const double middle = compute(PseudoHuberLoss({.c_first = 1e-4, .c_last = 1e8}), oracle.setup).mean("initial");
  EXPECT_LT(middle, length / 10);
}
