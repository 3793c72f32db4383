// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/toml_reader.h"

#include <gtest/gtest.h>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class TomlReader : public ConfigTest {};

TEST_F(TomlReader, SyntaxErrorsHaveTheFormatOfAllErrors) {
  EXPECT_EQ(errors("[train]\nlr = .5\n"),
            "error[E120]: syntax error (floating-point): expected decimal digit, saw '.'\n"
            "  --> f.toml:2:6\n"
            "    2 | lr = .5\n"
            "      |      ^");
  EXPECT_EQ(errors("[train]\nlr = 1\nlr = 2\n"),
            "error[E120]: syntax error (key-value pair): cannot redefine existing integer 'lr'\n"
            "  --> f.toml:3:6\n"
            "    3 | lr = 2\n"
            "      |      ^");
  EXPECT_EQ(first_line(errors("[train]\n[log]\n[train]\n")),
            "error[E120]: syntax error (table header): cannot redefine existing table 'train'");
  EXPECT_EQ(errors("[run]\nname = \"a\n").substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors("\xff\n").substr(0, 12), "error[E120]:");
}

TEST_F(TomlReader, DeepNestingIsRefusedAndNoCrash) {
  EXPECT_EQ(errors("a = " + std::string(100000, '[')).substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors("a = " + std::string(200, '[') + std::string(200, ']') + "\n" + kSmall).substr(0, 12),
            "error[E116]:");
  std::string parts;
  for (int i = 0; i < 200000; ++i) parts += "a.";
  EXPECT_EQ(first_line(errors("\n" + parts + "a = 1\n")), "error[E120]: syntax error: a key of more than 256 parts");
  EXPECT_EQ(errors("[" + parts + "a]\n").substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors("x = {" + parts + "a = 1}\n").substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors(kSmall, {"--train.lr={" + parts + "a=1}"}).substr(0, 12), "error[E127]:");
}

TEST_F(TomlReader, ASingleValueKnowsItsPlaceInItsSource) {
  const auto source = std::make_shared<Source>();
  const std::optional<Node> list = parse_value("[1, -2]", source, 10);
  ASSERT_TRUE(list);
  EXPECT_EQ(list->place.column, 10);
  EXPECT_EQ(list->place.width, 7);
  EXPECT_EQ(list->items[1].place.column, 14);
  EXPECT_EQ(list->items[1].place.width, 2);

  EXPECT_FALSE(parse_value(""));
  EXPECT_FALSE(parse_value("a b"));
  EXPECT_FALSE(parse_value("1\nw = 2"));
  EXPECT_TRUE(parse_value("[1,\n2]"));
}

}  // namespace
}  // namespace ttfm::config::test
