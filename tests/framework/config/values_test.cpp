// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <cmath>

#include <ttfm/conformance/errors.h>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ConfigValues : public ConfigTest {
 protected:
  static std::string with_dataset(const std::string& line) {
    return "[dataset]\ntype = \"gaussian_mixture\"\n" + line + "\n" + kSmall.substr(kSmall.find("[student]"));
  }

  /// The first line of the error that a line in [loss] (itvm) gives.
  std::string loss_error(const std::string& line) const { return first_line(errors(kSmall + line + "\n")); }

  std::string dataset_error(const std::string& line) const { return first_line(errors(with_dataset(line))); }
};

TEST_F(ConfigValues, IntegersStandForFloats) {
  const Resolved resolved = load(kSmall + "step = 1\nlongest = 2\n");
  EXPECT_EQ(resolved.at("loss").component.at("step").number, 1.0);
}

TEST_F(ConfigValues, FloatsDoNotStandForIntegers) {
  EXPECT_EQ(errors(kSmall + "[train]\nsteps = 3e3\nbatch = 0.5\n"),
            "error[E123]: `steps` in [train] is a float; it must be an integer\n"
            "  --> f.toml:8:9\n"
            "    8 | steps = 3e3\n"
            "      |         ^^^ write 3000\n"
            "\n"
            "error[E123]: `batch` in [train] is a float; it must be an integer\n"
            "  --> f.toml:9:9\n"
            "    9 | batch = 0.5\n"
            "      |         ^^^ samples in one optimiser step");
}

TEST_F(ConfigValues, NumbersAreFiniteUnlessALimitIsInfinite) {
  EXPECT_EQ(loss_error("step = nan"), "error[E117]: `step` in [loss] is nan; it must be a finite number above 0");
  EXPECT_EQ(loss_error("step = inf"), "error[E117]: `step` in [loss] is inf; it must be a finite number above 0");
  EXPECT_EQ(loss_error("longest = nan"), "error[E117]: `longest` in [loss] is nan; it must be a finite number above 0");
  EXPECT_TRUE(std::isinf(load(kSmall + "longest = inf\n").at("loss").component.at("longest").number));
}

TEST_F(ConfigValues, LimitsIncludeOrExcludeTheirEnds) {
  EXPECT_EQ(loss_error("step = 0"), "error[E117]: `step` in [loss] is 0; it must be above 0");
  EXPECT_EQ(loss_error("[train]\nbeta1 = 1"),
            "error[E117]: `beta1` in [train] is 1; it must be at least 0 and below 1");
  EXPECT_EQ(loss_error("[train]\nbeta1 = -1e-9"),
            "error[E117]: `beta1` in [train] is -1e-9; it must be at least 0 and below 1");
  EXPECT_EQ(dataset_error("modes = 65"),
            "error[E117]: `modes` in [dataset] is 65; it must be at least 1 and at most 64");
  EXPECT_EQ(load(kSmall + "[train]\nbeta1 = 0\nfinal_lr = 1\n").at("train").host.at("beta1").number, 0);
}

TEST_F(ConfigValues, TheWrongTypeIsNamedBesideTheRightOne) {
  EXPECT_EQ(loss_error("step = \"a\""), "error[E123]: `step` in [loss] is a string; it must be a number");
  EXPECT_EQ(loss_error("times = 1"), "error[E123]: `times` in [loss] is an integer; it must be a string");
  EXPECT_EQ(loss_error("integrator = true"),
            "error[E123]: `integrator` in [loss] is a boolean; it must be one of euler, heun, rk4");
  EXPECT_EQ(loss_error("[student]\nbias = 1").substr(0, 12), "error[E120]:");  // the table stands twice
  EXPECT_EQ(loss_error("[eval]\nmetrics = 1"), "error[E123]: `metrics` in [eval] is an integer; it must be a boolean");
  EXPECT_EQ(loss_error("step = 2020-01-01"), "error[E123]: `step` in [loss] is a date or time; it must be a number");
  EXPECT_EQ(loss_error("step = {a = 1}"), "error[E123]: `step` in [loss] is a table; it must be a number");
  EXPECT_EQ(loss_error("[run]\nfolder = []"), "error[E123]: `folder` in [run] is a list; it must be a path");
  EXPECT_EQ(loss_error("[[train]]"), "error[E123]: [train] is a list; it must be a table");
}

TEST_F(ConfigValues, ListsAreCheckedElementByElement) {
  EXPECT_EQ(dataset_error("weights = 1"),
            "error[E123]: `weights` in [dataset] is an integer; it must be a list of numbers");
  EXPECT_EQ(dataset_error("weights = [1, \"a\"]"),
            "error[E123]: element 2 of `weights` in [dataset] is a string; it must be a number");
  EXPECT_EQ(dataset_error("weights = [1, 2, -1]"),
            "error[E117]: element 3 of `weights` in [dataset] is -1; it must be at least 0");
}

TEST_F(ConfigValues, RowsAreEquallyLongListsOfNumbers) {
  const Value means = load(with_dataset("means = [[1, 2, 3], [4, 5, 6.5]]")).at("dataset").component.at("means");
  EXPECT_EQ(means.rows, 2);
  EXPECT_EQ(means.numbers, (std::vector<double>{1, 2, 3, 4, 5, 6.5}));

  EXPECT_EQ(dataset_error("means = [[1, 2], [3]]"),
            "error[E123]: row 2 of `means` in [dataset] holds 1, the first row 2; all rows must be equally long");
  EXPECT_EQ(dataset_error("means = [1, 2]"),
            "error[E123]: row 1 of `means` in [dataset] is an integer; it must be a list of numbers");
  EXPECT_EQ(dataset_error("means = [[1, \"a\"]]"),
            "error[E123]: element 2 of row 1 of `means` in [dataset] is a string; it must be a number");
}

TEST_F(ConfigValues, ChoicesAreSuggested) {
  EXPECT_EQ(errors(kSmall + "integrator = \"huen\"\n"),
            "error[E124]: `integrator` in [loss] is \"huen\"; it must be one of euler, heun, rk4\n"
            "  --> f.toml:7:14\n"
            "    7 | integrator = \"huen\"\n"
            "      |              ^^^^^^ did you mean \"heun\"?");
}

TEST_F(ConfigValues, PathsAreRelativeToTheFileThatHasThem) {
  write("deep/base.toml", "[run]\nfolder = \"../out\"\n[teacher]\ntype = \"gaussian\"\ncheckpoint = \"/x/y\"\n");
  const Resolved resolved = load("extends = \"deep/base.toml\"\n" + kSmall, {"--student.checkpoint=w"});
  EXPECT_EQ(resolved.at("run").host.at("folder").text, folder() + "/out");
  EXPECT_EQ(resolved.at("teacher").host.at("checkpoint").text, "/x/y");
  EXPECT_EQ(resolved.at("student").host.at("checkpoint").text, (std::filesystem::current_path() / "w").string());
  EXPECT_EQ(load(kSmall).at("run").host.at("folder").text, (std::filesystem::current_path() / "runs").string());
}

TEST_F(ConfigValues, APathIsUtf8) {
  write("d\xff/f.toml", kSmall + "[run]\nfolder = \"out\"\n");
  const std::string text =
      ttfm::conformance::error_text([&] { config::load(folder_.path() / "d\xff" / "f.toml", {}, components_); });
  EXPECT_EQ(first_line(text), "error[E117]: `folder` in [run] is in a folder whose name is no UTF-8");
}

TEST_F(ConfigValues, APathHasNoControlCharacters) {
  EXPECT_EQ(errors(kSmall + "[run]\nfolder = \"C:\\new\"\n"),
            "error[E117]: `folder` in [run] is a path with a control character in it\n"
            "  --> f.toml:8:10\n"
            "    8 | folder = \"C:\\new\"\n"
            "      |          ^^^^^^^^ a \\ in \"...\" begins an escape: write '...' or \\\\");
}

TEST_F(ConfigValues, AnOptionalKeyWithoutDefaultIsAbsentUnlessGiven) {
  const Resolved without = load(kSmall);
  EXPECT_FALSE(without.at("run").host.contains("name"));
  EXPECT_EQ(without.at("run").host_keys.front(), "name");
  EXPECT_TRUE(load(kSmall + "[run]\nname = \"a\"\n").at("run").host.contains("name"));
}

}  // namespace
}  // namespace ttfm::config::test
