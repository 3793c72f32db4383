// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/handshake.h"

#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>
#include <ttfm/plugin.h>

namespace ttfm::host {
namespace {

struct ALoss final : Loss {};

TEST(Handshake, RefusesControlBytesInASummary) {
  Plugin plugin("texts", "0.1.0");
  plugin.add<ALoss>("texts", "red \x1b[31mletters");

  EXPECT_EQ(conformance::error_text([&] { check_descriptor("/p/x.so", plugin.descriptor(), {}); }),
            "'/p/x.so' has a defective table: loss/texts: it has control bytes in its summary.");
}

}  // namespace
}  // namespace ttfm::host
