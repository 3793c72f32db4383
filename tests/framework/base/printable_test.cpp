// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/printable.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace ttfm {
namespace {

TEST(Printable, HasNothingThatATerminalObeys) {
  EXPECT_EQ(printable(std::string_view("a\0b\x1b[2Jc\x7f\n\t", 11)), "a?b?[2Jc???");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m \xC2\x80\xC2\x9F"),
            "?31m ??");
  EXPECT_EQ(printable("\n\t\r", "\n\t"), "\n\t?");
}

TEST(Printable, LeavesTextAlone) {
  const std::string text = "\xC3\xA4 \xC2\xA0 \xE2\x82\xAC \xEF\xBF\xBF \xF0\x9F\x98\x80 \xF4\x8F\xBF\xBF";
  EXPECT_TRUE(is_utf8(text));
  EXPECT_TRUE(is_utf8(""));
  EXPECT_EQ(printable(text), text);
}

TEST(Printable, HasAQuestionMarkForWhatIsNoUtf8) {
  // a lone follower, cut off, longer than needed (2, 3, 4 bytes), half of a pair, beyond U+10FFFF, never used
  for (const std::string bytes : {"\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC0\xAF", "\xE0\x80\xAF",
                                  "\xF0\x80\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(is_utf8("a" + bytes)) << printable(bytes);
    EXPECT_EQ(printable("a" + bytes + "b"), "a" + std::string(bytes.size(), '?') + "b");
  }
}

TEST(Log, ShowsNothingThatATerminalObeys) {
  testing::internal::CaptureStderr();
  log::warning("tensor `\x1b]0;x\a` is broken:\n\tsee above");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning: tensor `?]0;x?` is broken:\n\tsee above\n");
}

}  // namespace
}  // namespace ttfm
