// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ttfm/conformance/errors.h>

#include "framework/base/variable.h"
#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ConfigLayers : public ConfigTest {
 protected:
  std::string origin(const Value& value) const { return without_folder(value.origin.text()); }
};

TEST_F(ConfigLayers, LaterLayersWinKeyByKeyAndEachValueKnowsItsLayer) {
  write("first.toml", "[train]\nlr = 0.1\nbatch = 1\nsteps = 1\n");
  write("deep/second.toml", "extends = \"../first.toml\"\n[train]\nbatch = 2\nsteps = 2\n");

  const Resolved resolved =
      load("extends = [\"first.toml\", \"deep/second.toml\"]\n" + kSmall + "[train]\nsteps = 3\nwarmup = 3\n",
           {"--train.warmup=2", "train.eps=1e-3"});

  const Values& train = resolved.at("train").host;
  EXPECT_EQ(train.at("lr").number, 0.1);
  EXPECT_EQ(origin(train.at("lr")), "first.toml:2");
  EXPECT_EQ(train.at("batch").integer, 2);
  EXPECT_EQ(origin(train.at("batch")), "deep/second.toml:3");
  EXPECT_EQ(train.at("steps").integer, 3);
  EXPECT_EQ(origin(train.at("steps")), "f.toml:9");
  EXPECT_EQ(train.at("warmup").integer, 2);
  EXPECT_EQ(origin(train.at("warmup")), "command line");
  EXPECT_EQ(train.at("eps").number, 1e-3);
  EXPECT_EQ(origin(train.at("beta1")), "default");
}

TEST_F(ConfigLayers, AListReplacesAList) {
  write("base.toml", "[eval]\nevaluations = [1, 2, 3]\n");
  const Resolved resolved = load("extends = [\"base.toml\"]\n" + kSmall, {"--eval.evaluations=[4]"});
  EXPECT_EQ(resolved.at("eval").host.at("evaluations").integers, (std::vector<int64_t>{4}));
}

TEST_F(ConfigLayers, AnotherTypeDropsTheParametersOfTheComponentItReplacesAndKeepsTheHostsKeys) {
  write("base.toml", "[teacher]\ntype = \"gaussian\"\n" + kSmall + "step = 0.5\n");
  const std::string student = "[student]\ninit = \"random\"\nwidth = 8\n";

  const Resolved same = load("extends = [\"base.toml\"]\n" + student, {"--loss.type=itvm"});
  EXPECT_EQ(same.at("loss").component.at("step").number, 0.5);

  const Resolved other =
      load("extends = [\"base.toml\"]\n" + student,
           {"--student.member={type=\"mlp\", width=3}", "--loss.type=flow_matching", "--student.type=ensemble"});
  EXPECT_EQ(other.at("loss").type, "flow_matching");
  EXPECT_TRUE(other.at("loss").component.empty());
  EXPECT_EQ(other.at("student").host.at("init").text, "random");
  EXPECT_EQ(other.at("student.member").component.at("width").integer, 3);
}

TEST_F(ConfigLayers, AnotherTypeDropsNestedStudentsAndKeepsTheHostsTables) {
  write("base.toml",
        "[teacher]\ntype = \"gaussian\"\n[teacher.guidance]\nscale = 2\n"
        "[student]\ntype = \"ensemble\"\n[student.member]\ntype = \"mlp\"\n");
  const Resolved resolved =
      load("extends = \"base.toml\"\n" + kSmall, {"--teacher.type=network", "--teacher.checkpoint=w"});
  EXPECT_EQ(resolved.at("student").type, "mlp");
  EXPECT_FALSE(resolved.has("student.member"));
  EXPECT_EQ(resolved.at("teacher.guidance").host.at("scale").number, 2);
}

TEST_F(ConfigLayers, WhatIsMissingIsToldAtTheHeaderInTheFileNotAtAnOverride) {
  EXPECT_EQ(errors("[dataset]\ntype = \"idx\"\n" + kSmall.substr(kSmall.find("[student]")), {"--dataset.limit=3"}),
            "error[E122]: [dataset] has no `path`, which dataset 'idx' needs\n"
            "  --> f.toml:1:1\n"
            "    1 | [dataset]\n"
            "      | ^^^^^^^^^ add `path` (path): folder of the four files");
}

TEST_F(ConfigLayers, ParametersGivenBelowTheFirstTypeAreKept) {
  write("base.toml", "[loss]\nstep = 0.5\n");
  EXPECT_EQ(load("extends = [\"base.toml\"]\n" + kSmall).at("loss").component.at("step").number, 0.5);
}

TEST_F(ConfigLayers, ErrorsOfAllLayersAreToldAtOnceTheUsersFileFirst) {
  write("base.toml", "[train]\nlr = 0\n");
  EXPECT_EQ(errors("extends = [\"base.toml\"]\n" + kSmall + "[train]\nsteps = 0\n", {"--train.batch=0"}),
            "error[E117]: `steps` in [train] is 0; it must be at least 1\n"
            "  --> f.toml:9:9\n"
            "    9 | steps = 0\n"
            "      |         ^ optimiser steps\n"
            "\n"
            "error[E117]: `lr` in [train] is 0; it must be above 0\n"
            "  --> base.toml:2:6\n"
            "    2 | lr = 0\n"
            "      |      ^ highest learning rate of AdamW\n"
            "\n"
            "error[E117]: `batch` in [train] is 0; it must be at least 1\n"
            "  --> command line\n"
            "      | --train.batch=0\n"
            "      |               ^ samples in one optimiser step");
}

TEST_F(ConfigLayers, ACircleOfBasesIsRefused) {
  write("a.toml", "extends = [\"b.toml\"]\n");
  write("b.toml", "\nextends = [\"a.toml\"]\n");
  EXPECT_EQ(errors("extends = [\"a.toml\"]\n" + kSmall),
            "error[E126]: `extends` goes round in a circle\n"
            "  --> b.toml:2:12\n"
            "    2 | extends = [\"a.toml\"]\n"
            "      |            ^^^^^^^^ a.toml -> b.toml -> a.toml");
}

TEST_F(ConfigLayers, ABaseThatTwoFilesExtendIsNoCircle) {
  write("base.toml", kSmall);
  write("a.toml", "extends = \"base.toml\"\n");
  write("b.toml", "extends = \"base.toml\"\n[train]\nsteps = 7\n");
  EXPECT_EQ(load("extends = [\"a.toml\", \"b.toml\"]\n").at("train").host.at("steps").integer, 7);
}

TEST_F(ConfigLayers, BasesThatDoubleAtEachLevelAreCutOff) {
  for (int i = 0; i < 10; ++i) {
    const std::string next = "\"" + std::to_string(i + 1) + ".toml\"";
    write(std::to_string(i) + ".toml", "extends = [" + next + ", " + next + "]\n");
  }
  write("10.toml", "");
  const std::string text = errors("extends = \"0.toml\"\n");
  EXPECT_EQ(first_line(text), "error[E126]: more than 64 files extend one another");
  EXPECT_NE(text.find("the limit is 64 (TTFM_MAX_CONFIG_FILES=128 raises it)"), std::string::npos) << text;
  const ttfm::test::Variable raised("TTFM_MAX_CONFIG_FILES", "5000");
  EXPECT_EQ(first_line(errors("extends = \"0.toml\"\n")), "error[E122]: there is no section [dataset]");
}

TEST_F(ConfigLayers, AMissingBaseIsToldWhereItIsNamed) {
  write("base.toml", "");
  EXPECT_EQ(
      errors("extends = [\"bsae.toml\"]\n" + kSmall),
      "error[E126]: cannot read 'bsae.toml': No such file or directory\n"
      "  --> f.toml:1:12\n"
      "    1 | extends = [\"bsae.toml\"]\n"
      "      |            ^^^^^^^^^^^ bases are found relative to the file that names them; did you mean `base.toml`?");
  EXPECT_EQ(errors("extends = 3\n" + kSmall),
            "error[E123]: `extends` holds an integer; it must be a list of files\n"
            "  --> f.toml:1:11\n"
            "    1 | extends = 3\n"
            "      |           ^ extends = [\"base.toml\"]");
}

TEST_F(ConfigLayers, ABaseHasAPrintableName) {
  write("base.toml", kSmall);
  EXPECT_EQ(errors("extends = \"base.toml\\u0000.txt\"\n"),
            "error[E126]: `extends` names a file with a control character in it\n"
            "  --> f.toml:1:11\n"
            "    1 | extends = \"base.toml\\u0000.txt\"\n"
            "      |           ^^^^^^^^^^^^^^^^^^^^^ a \\ in \"...\" begins an escape: write '...' or \\\\");
}

TEST_F(ConfigLayers, AFileThatCannotBeReadIsRefused) {
  write("f.tml.toml", "");
  EXPECT_EQ(errors(), "error[E128]: cannot read 'f.toml': No such file or directory");
  write("quickstart.toml", "");
  EXPECT_EQ(without_folder(ttfm::conformance::error_text(
                [&] { config::load(folder_.path() / "quickstrat.toml", {}, components_); })),
            "error[E128]: cannot read 'quickstrat.toml': No such file or directory\n"
            "  = did you mean `quickstart.toml`?");
  EXPECT_EQ(without_folder(ttfm::conformance::error_text([&] { config::load(folder_.path(), {}, components_); })),
            "error[E128]: cannot read '': it is a folder");
  EXPECT_EQ(errors(std::string((1 << 20) + 1, '\n')),
            "error[E128]: cannot read 'f.toml': it has 1048577 bytes, and the limit is 1048576 "
            "(TTFM_MAX_CONFIG_BYTES=1048577 raises it)");
}

TEST_F(ConfigLayers, APipeIsNotWaitedFor) {
  ASSERT_EQ(mkfifo((folder_.path() / "pipe.toml").c_str(), 0600), 0);
  EXPECT_EQ(first_line(errors("extends = \"pipe.toml\"\n" + kSmall)),
            "error[E126]: cannot read 'pipe.toml': it is not a regular file");
}

TEST_F(ConfigLayers, AnUnreadableLayerHidesWhatMayBeMissingBecauseOfIt) {
  write("base.toml", "[dataset\n");
  EXPECT_EQ(errors("extends = [\"base.toml\"]\n", {"--train"}),
            "error[E120]: syntax error (table header): expected ']', saw '\\n'\n"
            "  --> base.toml:1:9\n"
            "    1 | [dataset\n"
            "      |         ^ a section ends with ]\n"
            "\n"
            "error[E127]: `--train` is neither an option nor an override\n"
            "  --> command line\n"
            "      | --train\n"
            "      | ^^^^^^^ an override is --section.key=value");
}

TEST_F(ConfigLayers, AnOverrideThatIsNoTomlIsTakenAsItIsForTextsOnly) {
  const Resolved resolved =
      load(kSmall, {"--run.name=2024", "--loss.integrator=rk4", "--loss.times=a b", "--student.checkpoint=w",
                    "--student.type=\"mlp\"", "--train.schedule=\"linear\""});
  EXPECT_EQ(resolved.at("run").host.at("name").text, "2024");
  EXPECT_EQ(resolved.at("loss").component.at("integrator").text, "rk4");
  EXPECT_EQ(resolved.at("loss").component.at("times").text, "a b");
  EXPECT_EQ(resolved.at("student").host.at("checkpoint").text, (std::filesystem::current_path() / "w").string());
  EXPECT_EQ(resolved.at("student").type, "mlp");
  EXPECT_EQ(resolved.at("train").host.at("schedule").text, "linear");

  EXPECT_EQ(errors(kSmall, {"--train.lr=abc", "--eval.evaluations=1,2"}),
            "error[E127]: `lr` in [train] is no TOML value; it must be a number\n"
            "  --> command line\n"
            "      | --train.lr=abc\n"
            "      |            ^^^ highest learning rate of AdamW\n"
            "\n"
            "error[E127]: `evaluations` in [eval] is no TOML value; it must be a list of integers\n"
            "  --> command line\n"
            "      | --eval.evaluations=1,2\n"
            "      |                    ^^^ network evaluations for one sample of the student");
}

TEST_F(ConfigLayers, AnOverrideIsUtf8AsItsRunsConfigurationHasToBe) {
  EXPECT_EQ(first_line(errors(kSmall, {"--loss.times=\xff"})),
            "error[E127]: `--loss.times` has bytes that are no UTF-8");
  EXPECT_EQ(first_line(errors(kSmall, {"--loss.t\xC3=1"})), "error[E127]: `--loss.t?` has bytes that are no UTF-8");
  EXPECT_EQ(load(kSmall, {"--loss.times=\xC3\xA4"}).at("loss").component.at("times").text, "\xC3\xA4");
}

TEST_F(ConfigLayers, AnOverrideNamesASectionAndAKey) {
  EXPECT_EQ(errors(kSmall, {"--dry-rum", "--lr=1", "--train..lr=1", "--train.x y=1"}),
            "error[E127]: `--dry-rum` is neither an option nor an override\n"
            "  --> command line\n"
            "      | --dry-rum\n"
            "      | ^^^^^^^^^ an override is --section.key=value\n"
            "\n"
            "error[E127]: `--lr` names no section\n"
            "  --> command line\n"
            "      | --lr=1\n"
            "      | ^^^^ did you mean --train.lr=...?\n"
            "\n"
            "error[E127]: `--train..lr` is not the name of a key\n"
            "  --> command line\n"
            "      | --train..lr=1\n"
            "      | ^^^^^^^^^^^ an override is --section.key=value\n"
            "\n"
            "error[E127]: `--train.x y` is not the name of a key\n"
            "  --> command line\n"
            "      | --train.x y=1\n"
            "      | ^^^^^^^^^^^ an override is --section.key=value");
}

TEST_F(ConfigLayers, AnOverrideCannotSmuggleInASecondKey) {
  EXPECT_EQ(first_line(errors(kSmall, {"--train.lr=1\nbatch = 2"})),
            "error[E127]: `lr` in [train] is no TOML value; it must be a number");
}

TEST_F(ConfigLayers, ThePluginPathIsKnownBeforeAnythingElseIsValidated) {
  write("base.toml", "[plugins]\npath = \"/base\"\n");
  const std::filesystem::path file = folder_.path() / "f.toml";

  write("f.toml", "extends = \"base.toml\"\n[loss]\ntype = 3\nx = 1\n");
  EXPECT_EQ(plugin_path(file, {}), "/base");
  EXPECT_EQ(plugin_path(file, {"--plugins.path=/a:/b"}), "/a:/b");

  write("f.toml", kSmall);
  EXPECT_EQ(plugin_path(file, {}), "");
  write("f.toml", "[plugins]\npath = \"/x\"\n[loss\n");
  EXPECT_EQ(plugin_path(file, {}), "");
  EXPECT_EQ(plugin_path(folder_.path() / "missing.toml", {}), "");
}

}  // namespace
}  // namespace ttfm::config::test
