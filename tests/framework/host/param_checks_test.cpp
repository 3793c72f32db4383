// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/param_checks.h"

#include <gtest/gtest.h>

#include <array>

#include <ttfm/options.h>
#include "host/handshake.h"

namespace ttfm::host {
namespace {

ttfm_param_v1 row(const char* name, ttfm_param_type type, const char* default_toml) {
  ttfm_param_v1 param{};
  param.struct_size = sizeof param;
  param.type = type;
  param.name = name;
  param.default_toml = default_toml;
  param.doc = "what it is";
  return param;
}

std::string check(const ttfm_param_v1& param) { return why_not_a_table(&param, 1); }

TEST(ParamTable, OfTheSdkIsSound) {
  enum class Way { one, two };
  struct Options {
    bool flag = true;
    int64_t count = -3;
    double rate = 1e-300, endless = std::numeric_limits<double>::infinity();
    std::string text = "a \"b\" \\";
    Path path;
    std::vector<int64_t> list{1, 2};
    std::vector<double> numbers;
    Rows rows{{1, 2, 3, 4}, 2};
    Way way = Way::two;
    std::optional<double> maybe;
    NestedStudent student;
    void describe(ParamTable& v) {
      v("flag", flag, "f");
      v("count", count, "c").min(-5).below(3);
      v("rate", rate, "r").above(0).max(1e9);
      v("endless", endless, "e");
      v("text", text, "t");
      v("path", path, "p").required();
      v("list", list, "l");
      v("numbers", numbers, "n");
      v("rows", rows, "r");
      v.choice("way", way, {"one", "two"}, "w");
      v("maybe", maybe, "m");
      v("student", student, "s");
    }
  };
  const ParamTable table = param_table<Options>();

  EXPECT_EQ(why_not_a_table(table.rows().data(), static_cast<uint32_t>(table.rows().size())), "");
}

TEST(ParamTable, MayHaveLargerRowsThanThisHostKnows) {
  struct Larger {
    ttfm_param_v1 row;
    void* later = nullptr;
  };
  std::array<Larger, 2> rows = {{{row("a", TTFM_PARAM_INT, "1")}, {row("b", TTFM_PARAM_INT, "2")}}};
  for (Larger& each : rows) each.row.struct_size = sizeof(Larger);

  EXPECT_EQ(why_not_a_table(&rows[0].row, 2), "");
  EXPECT_STREQ(param_at(&rows[0].row, 1).name, "b");
}

TEST(ParamTable, IsRefusedForItsShape) {
  ttfm_param_v1 param = row("a", TTFM_PARAM_INT, "1");
  EXPECT_EQ(why_not_a_table(nullptr, 0), "");
  EXPECT_EQ(why_not_a_table(nullptr, 2), "it has no parameter table for its 2 parameters");
  EXPECT_EQ(why_not_a_table(&param, 1u << 30), "it says it has 1073741824 parameters");
  param.struct_size = 72;
  EXPECT_EQ(check(param), "the rows of its parameter table have 72 bytes, 80 are needed");
}

TEST(ParamTable, IsRefusedForItsNames) {
  EXPECT_EQ(check(row(nullptr, TTFM_PARAM_INT, "1")), "parameter 1 has no name");
  EXPECT_EQ(check(row("Step", TTFM_PARAM_INT, "1")), "parameter 'Step' has a name that is not snake_case");
  EXPECT_EQ(check(row("", TTFM_PARAM_INT, "1")), "parameter '' has a name that is not snake_case");
  EXPECT_EQ(check(row("type", TTFM_PARAM_INT, "1")), "parameter 'type' is the key that selects the component");
}

TEST(ParamTable, IsRefusedForATypeOrTextThatIsMissing) {
  ttfm_param_v1 param = row("a", static_cast<ttfm_param_type>(11), nullptr);
  EXPECT_EQ(check(param), "parameter 'a' has the unknown type 11");
  param = row("a", TTFM_PARAM_INT, "1");
  param.doc = nullptr;
  EXPECT_EQ(check(param), "parameter 'a' is not documented");
  EXPECT_EQ(check(row("a", TTFM_PARAM_CHOICE, "\"x\"")), "parameter 'a' is a choice of nothing");
  param = row("a", TTFM_PARAM_INT, "1");
  param.choices = "x|y";
  EXPECT_EQ(check(param), "parameter 'a' has choices, but is not of the type for that");
}

TEST(ParamTable, IsRefusedForControlBytesInItsTexts) {
  ttfm_param_v1 param = row("a", TTFM_PARAM_INT, "1");
  for (const char* text : {"two\nlines", "\x1b[2J", "\x7f"}) {
    param.doc = text;
    param.unit = nullptr;
    EXPECT_EQ(check(param), "parameter 'a' has control bytes in its documentation");
    param.doc = "caf\xc3\xa9";
    param.unit = text;
    EXPECT_EQ(check(param), "parameter 'a' has control bytes in its unit");
  }
  param.unit = "\xc2\xb5m";
  EXPECT_EQ(check(param), "");
}

TEST(ParamTable, IsRefusedForADefaultThatIsNotOfItsType) {
  const auto bad = [](ttfm_param_type type, const char* value) {
    EXPECT_EQ(check(row("a", type, value)),
              "parameter 'a' has the default " + std::string(value) + ", which is not a value of its type");
  };
  bad(TTFM_PARAM_BOOL, "True");
  bad(TTFM_PARAM_INT, "1.5");
  bad(TTFM_PARAM_INT, "");
  bad(TTFM_PARAM_FLOAT, "0.2 s");
  bad(TTFM_PARAM_STRING, "bare");
  bad(TTFM_PARAM_PATH, "\"");
  bad(TTFM_PARAM_INT_LIST, "1");
  bad(TTFM_PARAM_FLOAT_ROWS, "1, 2");
  bad(TTFM_PARAM_STUDENT, "\"mlp\"");
  ttfm_param_v1 choice = row("a", TTFM_PARAM_CHOICE, "\"z\"");
  choice.choices = "x|y";
  EXPECT_EQ(check(choice), "parameter 'a' has the default \"z\", which is not a value of its type");
}

TEST(ParamTable, IsRefusedForLimitsAndFlagsThatMakeNoSense) {
  ttfm_param_v1 param = row("a", TTFM_PARAM_FLOAT, "1");
  param.min_toml = "zero";
  EXPECT_EQ(check(param), "parameter 'a' has the limit zero, which is not a number");
  param = row("a", TTFM_PARAM_FLOAT, "1");
  param.flags = TTFM_PARAM_REQUIRED;
  EXPECT_EQ(check(param), "parameter 'a' is required, yet has a default");
}

}  // namespace
}  // namespace ttfm::host
