// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "config/key.h"
#include "config/text.h"
#include "framework/config/config_fixture.h"
#include "framework/config/values_text.h"

namespace ttfm::config::test {
namespace {

class ConfigPrint : public ConfigTest {
 protected:
  void expect_round_trip(const std::string& text) const {
    const Resolved once = load(text);
    write("again/deeper/f.toml", print(once));
    const Resolved twice = config::load(folder_.path() / "again" / "deeper" / "f.toml", {}, components_);
    EXPECT_EQ(values_text(once), values_text(twice)) << text;
    EXPECT_EQ(twice.warnings, std::vector<std::string>{});
  }
};

TEST_F(ConfigPrint, SectionsStandInTheSchemasOrderAndEachValueSaysWhereItComesFrom) {
  write("base.toml", "[train]\nlr = 1e-4\n");
  const Resolved resolved = load(
      "extends = \"base.toml\"\n[student]\ntype = \"mlp\"\n[loss]\ntype = \"itvm\"\nstep = 1\n"
      "[dataset]\ntype = \"gaussian_mixture\"\nmeans = [[1, 2.5]]\n",
      {"--train.steps=7"});

  const std::string text = without_folder(print(resolved));

  EXPECT_TRUE(
      text.starts_with("# The configuration of f.toml as it was resolved: each value, and where it comes from.\n"
                       "\n"
                       "[run]\n"))
      << text;
  EXPECT_NE(text.find("\n"
                      "[dataset]\n"
                      "type = \"gaussian_mixture\"  # f.toml:8\n"
                      "modes = 8  # default\n"
                      "weights = []  # default\n"
                      "means = [[1.0, 2.5]]  # f.toml:9\n"
                      "\n"
                      "[student]\n"
                      "type = \"mlp\"  # f.toml:3\n"
                      "init = \"random\"  # default\n"
                      "width = 64  # default\n"
                      "dropout = 0.0  # default\n"
                      "bias = true  # default\n"
                      "\n"
                      "[loss]\n"
                      "type = \"itvm\"  # f.toml:5\n"
                      "step = 1.0  # f.toml:6\n"
                      "integrator = \"heun\"  # default\n"
                      "longest = inf  # default\n"
                      "times = \"uniform\"  # default\n"
                      "\n"
                      "[sampler]\n"
                      "type = \"flow_map\"  # default\n"
                      "\n"
                      "[train]\n"
                      "steps = 7  # command line\n"
                      "batch = 128  # default\n"
                      "accumulate = 1  # default\n"
                      "lr = 1e-4  # base.toml:2\n"),
            std::string::npos)
      << text;
}

TEST_F(ConfigPrint, OnlyWhatWasGivenOnDemand) {
  const Resolved resolved =
      load("[teacher]\ntype = \"network\"\n[teacher.train]\nsteps = 5\n" + kSmall + "[train]\nlr = 0.5\n");
  EXPECT_EQ(without_folder(print(resolved, true)),
            "# The configuration of f.toml as it was resolved: each value, and where it comes from.\n"
            "\n"
            "[dataset]\n"
            "type = \"gaussian_mixture\"  # f.toml:6\n"
            "\n"
            "[teacher]\n"
            "type = \"network\"  # f.toml:2\n"
            "\n"
            "[teacher.train]\n"
            "steps = 5  # f.toml:4\n"
            "\n"
            "[student]\n"
            "type = \"mlp\"  # f.toml:8\n"
            "\n"
            "[loss]\n"
            "type = \"itvm\"  # f.toml:10\n"
            "\n"
            "[train]\n"
            "lr = 0.5  # f.toml:12\n");
}

TEST_F(ConfigPrint, WhatIsPrintedLoadsToTheSameValues) {
  expect_round_trip(kSmall);
  expect_round_trip(kSmall + "times = \"a\\\"b\\\\c\\n\\u0001\xC3\xA4\"\n[run]\nfolder = \"x y/#'\"\n");
  expect_round_trip("[teacher]\ntype = \"network\"\n[teacher.train]\nsteps = 5\n" + kSmall + "[train]\nlr = 0.5\n");
  expect_round_trip(
      "[teacher]\ntype = \"network\"\n[teacher.train]\n[teacher.network]\ntype = \"mlp\"\n"
      "[dataset]\ntype = \"gaussian_mixture\"\n");
  expect_round_trip(
      "[teacher]\ntype = \"network\"\ncheckpoint = \"w\"\n[dataset]\ntype = \"idx\"\npath = \"d\"\nlimit = 3\n"
      "[loss]\ntype = \"itvm\"\n[student]\ntype = \"ensemble\"\nmember = {type = \"mlp\", width = 2}\n");
  // a section without effect is warned of once and not printed
  EXPECT_EQ(print(load("[teacher]\ntype = \"gaussian\"\n[teacher.train]\n" + kSmall)).find("[teacher.train]"),
            std::string::npos);
}

TEST_F(ConfigPrint, NumbersKeepEveryBit) {
  std::mt19937_64 bits(1);
  for (int i = 0; i < 200; ++i) {
    const auto random = static_cast<double>(bits());
    const double value = std::ldexp(random, static_cast<int>(bits() % 200) - 160);
    Value step;
    step.type = TTFM_PARAM_FLOAT;
    step.number = value;
    const Resolved resolved = load(kSmall + "step = " + toml_text(step) + "\n");
    EXPECT_EQ(resolved.at("loss").component.at("step").number, value);
    if (i % 20 == 0) expect_round_trip(kSmall + "step = " + toml_text(step) + "\n");
  }
}

TEST_F(ConfigPrint, NumbersAreShort) {
  EXPECT_EQ(number_text(1e-4), "1e-4");
  EXPECT_EQ(number_text(0.001), "0.001");
  EXPECT_EQ(number_text(1e-8), "1e-8");
  EXPECT_EQ(number_text(-2.5e+100), "-2.5e100");
  EXPECT_EQ(number_text(0.9999), "0.9999");
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "inf");
}

TEST_F(ConfigPrint, JsonHoldsValuesAndOrigins) {
  const auto json = nlohmann::json::parse(
      print_json(load(kSmall + "step = 0.5\n[teacher]\ntype = \"network\"\n[teacher.train]\nsteps = 3\n")));

  EXPECT_EQ(json["loss"]["type"]["value"], "itvm");
  EXPECT_EQ(json["loss"]["step"]["value"], 0.5);
  EXPECT_EQ(without_folder(json["loss"]["step"]["origin"]), "f.toml:7");
  EXPECT_EQ(json["loss"]["longest"]["value"], "inf");
  EXPECT_EQ(json["dataset"]["means"]["value"], (nlohmann::json{{0.0, 1.0}, {2.0, 3.0}}));
  EXPECT_EQ(json["eval"]["evaluations"]["value"], (nlohmann::json{1, 2, 4, 8}));
  EXPECT_EQ(json["eval"]["metrics"]["value"], true);
  EXPECT_EQ(json["eval"]["metrics"]["origin"], "default");
  EXPECT_EQ(json["teacher.network"]["width"]["value"], 64);
  EXPECT_FALSE(json["teacher"].contains("network"));
}

}  // namespace
}  // namespace ttfm::config::test
