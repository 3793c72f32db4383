// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/toml_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class TomlReader : public ConfigTest {};

std::string repeated(const std::string& part, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += part;
  return text;
}

TEST_F(TomlReader, SyntaxErrorsHaveTheFormatOfAllErrors) {
  EXPECT_EQ(errors("[train]\nlr = .5\n"),
            "error[E120]: syntax error (floating-point): expected decimal digit, saw '.'\n"
            "  --> f.toml:2:6\n"
            "    2 | lr = .5\n"
            "      |      ^ write 0.5");
  EXPECT_EQ(errors("[train]\nlr = 1\nlr = 2\n"),
            "error[E120]: syntax error (key-value pair): cannot redefine existing integer 'lr'\n"
            "  --> f.toml:3:6\n"
            "    3 | lr = 2\n"
            "      |      ^ a key stands once in its section");
  EXPECT_EQ(first_line(errors("[train]\n[log]\n[train]\n")),
            "error[E120]: syntax error (table header): cannot redefine existing table 'train'");
  EXPECT_EQ(errors("[run]\nname = \"a\n").substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors("\xff\n").substr(0, 12), "error[E120]:");
}

TEST_F(TomlReader, DeepNestingIsRefusedAndNoCrash) {
  EXPECT_EQ(errors("a = " + std::string(100000, '[')).substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors("a = " + std::string(200, '[') + std::string(200, ']') + "\n" + kSmall).substr(0, 12),
            "error[E116]:");
  const std::string parts = repeated("a.", 200000);
  EXPECT_EQ(first_line(errors("\n" + parts + "a = 1\n")), "error[E120]: syntax error: a key of more than 256 parts");
  EXPECT_EQ(errors("[" + parts + "a]\n").substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors("x = {" + parts + "a = 1}\n").substr(0, 12), "error[E120]:");
  EXPECT_EQ(errors(kSmall, {"--train.lr={" + parts + "a=1}"}).substr(0, 12), "error[E127]:");
}

TEST_F(TomlReader, DeepKeysAreFoundAmongStringsAndComments) {
  const std::string refusal = "error[E120]: syntax error: a key of more than 256 parts";
  for (const char* part : {R"("=".)", R"('#'.)", R"("\"=".)", R"('\'.)", R"("[" . )", R"("".)"}) {
    const std::string parts = repeated(part, 100000);
    EXPECT_EQ(first_line(errors(parts + "a = 1\n")), refusal) << part;
    EXPECT_EQ(errors(kSmall, {"--train.lr={" + parts + "a=1}"}).substr(0, 12), "error[E127]:") << part;
  }
  // what stands before a key neither hides it nor moves its line
  for (const std::string before :
       {"# it's", R"(x = "\\")", R"(x = 'a\')", "x = ''", R"(x = """""")", "x = '''it''s'''''", "x = '''\n\"\\'''",
        "x = \"\"\"\n'\\\"\"\"\"\"", "x = [\n']', # '\n'']"}) {
    const std::string text = before + "\n" + repeated("a.", 300) + "a = 1\n";
    const std::string line = std::to_string(std::count(before.begin(), before.end(), '\n') + 2);
    EXPECT_TRUE(errors(text).starts_with(refusal + "\n  --> f.toml:" + line + ":1\n")) << text;
  }
  // 200 tables, one in the other, each with 200 parts in its key
  const std::string tables = repeated(repeated("a.", 200) + "a = {", 200) + repeated("}", 200);
  EXPECT_EQ(first_line(errors(tables + "\n")), refusal);
}

TEST_F(TomlReader, DotsInStringsAndCommentsAreNoPartsOfAKey) {
  const std::string dots(1000, '.');
  const std::string text = "# " + dots + "\n" + kSmall + "times = \"\"\"a" + dots + "\"\"\"  # " + dots + "\n";

  EXPECT_EQ(load(text).at("loss").component.at("times").text, "a" + dots);
  EXPECT_EQ(load(text, {"--loss.times='" + dots + "'"}).at("loss").component.at("times").text, dots);
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
