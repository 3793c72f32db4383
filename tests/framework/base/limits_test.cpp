// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/limits.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include <ttfm/conformance/errors.h>

#include "framework/base/variable.h"

namespace ttfm {
namespace {

using conformance::error_text;
using test::Variable;

constexpr Limit kLimit{"TTFM_MAX_TEST", 64};

std::string text_of(const std::string& file) {
  std::ifstream stream(std::string(TTFM_SOURCE) + "/" + file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// Everything in `text` that looks like a limit's variable.
std::set<std::string> variables(const std::string& text) {
  static const std::regex variable("TTFM_MAX_[A-Z_]+");
  std::set<std::string> found;
  for (auto each = std::sregex_iterator(text.begin(), text.end(), variable); each != std::sregex_iterator(); ++each) {
    found.insert(each->str());
  }
  return found;
}

TEST(Limits, AreRaisedAndLoweredByTheirVariable) {
  EXPECT_EQ(kLimit.value(), 64u);
  EXPECT_EQ(kLimit.text(100), "the limit is 64 (TTFM_MAX_TEST=100 raises it)");
  {
    const Variable raised(kLimit.variable, "4294967296");
    EXPECT_EQ(kLimit.value(), 4294967296u);
  }
  {
    const Variable empty(kLimit.variable, "");
    EXPECT_EQ(kLimit.value(), 64u);
  }
  const Variable lowered(kLimit.variable, "0");
  EXPECT_EQ(kLimit.value(), 0u);
}

TEST(Limits, AreWholeNumbers) {
  for (const char* value : {"64M", "-1", "1e3", " 1", "18446744073709551616"}) {
    const Variable wrong(kLimit.variable, value);
    EXPECT_EQ(error_text([] { kLimit.value(); }), std::string("the environment variable TTFM_MAX_TEST is '") + value +
                                                      "'; it must be a whole number, like 64");
  }
}

TEST(Limits, StandOnThePageOfUntrustedFiles) {
  EXPECT_EQ(variables(text_of("docs/explanation/untrusted_files.md")), variables(text_of("framework/base/limits.h")));
}

}  // namespace
}  // namespace ttfm
