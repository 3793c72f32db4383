// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <ttfm/conformance/errors.h>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ConfigSections : public ConfigTest {
 protected:
  static const std::string kTeacher;  ///< a network trained by the run: to be followed by kSmall
};

const std::string ConfigSections::kTeacher = "[teacher]\ntype = \"network\"\n[teacher.train]\nsteps = 5\n";

TEST_F(ConfigSections, ASmallConfigurationHasNoTeacher) {
  const Resolved resolved = load(kSmall);

  for (const char* path :
       {"run", "dataset", "student", "loss", "sampler", "train", "eval", "log", "checkpoint", "plugins"}) {
    EXPECT_TRUE(resolved.has(path)) << path;
  }
  for (const char* path :
       {"teacher", "teacher.network", "teacher.train", "teacher.loss", "teacher.guidance", "teacher.sampler"}) {
    EXPECT_FALSE(resolved.has(path)) << path;
    EXPECT_EQ(resolved.at(path).path, path);
  }
  EXPECT_EQ(resolved.at("sampler").type, "flow_map");
  EXPECT_FALSE(resolved.at("sampler").given);
  EXPECT_TRUE(resolved.at("loss").given);
  EXPECT_EQ(resolved.source, kSmall);
  EXPECT_TRUE(resolved.warnings.empty());
}

TEST_F(ConfigSections, APathThatIsNoSectionIsABug) {
  const Resolved resolved = load(kSmall);
  EXPECT_FALSE(resolved.has("teachre"));
  EXPECT_EQ(ttfm::conformance::error_text([&] { resolved.at("teachre"); }),
            "a bug in ttfm: it asks the configuration for [teachre], which is no section");
}

TEST_F(ConfigSections, AnExactTeacherHasNoNetwork) {
  const Resolved resolved = load("[teacher]\ntype = \"gaussian\"\n" + kSmall);
  EXPECT_TRUE(resolved.has("teacher"));
  EXPECT_TRUE(resolved.has("teacher.guidance"));
  EXPECT_TRUE(resolved.has("teacher.sampler"));
  EXPECT_EQ(resolved.at("teacher.sampler").type, "heun");
  EXPECT_FALSE(resolved.has("teacher.network"));
  EXPECT_FALSE(resolved.has("teacher.train"));
  EXPECT_FALSE(resolved.has("teacher.loss"));
}

TEST_F(ConfigSections, TheTeachersNetworkIsACopyOfTheStudentUnlessItIsGiven) {
  const Resolved copied = load(kTeacher + kSmall, {"--student.width=7"});
  EXPECT_TRUE(copied.has("teacher.network"));
  EXPECT_FALSE(copied.at("teacher.network").given);
  EXPECT_EQ(copied.at("teacher.network").type, "mlp");
  EXPECT_EQ(copied.at("teacher.network").component.at("width").integer, 7);
  EXPECT_TRUE(copied.at("teacher.network").host.empty());
  EXPECT_EQ(copied.at("teacher.network").component.at("width").origin.text(), "command line");
  EXPECT_EQ(copied.at("teacher").component.at("network").type, TTFM_PARAM_STUDENT);
  EXPECT_EQ(copied.at("teacher").component.at("network").text, "teacher.network");

  const Resolved given = load(kTeacher + kSmall + "[teacher.network]\ntype = \"mlp\"\nwidth = 3\n");
  EXPECT_TRUE(given.at("teacher.network").given);
  EXPECT_EQ(given.at("teacher.network").component.at("width").integer, 3);
}

TEST_F(ConfigSections, ACopyOfAStudentCopiesItsNestedStudents) {
  const Resolved resolved = load(kTeacher +
                                 "[dataset]\ntype = \"gaussian_mixture\"\n[loss]\ntype = \"itvm\"\n"
                                 "[student]\ntype = \"ensemble\"\n[student.member]\ntype = \"mlp\"\nwidth = 9\n");
  EXPECT_EQ(resolved.at("student").component.at("member").text, "student.member");
  EXPECT_EQ(resolved.at("teacher.network").component.at("member").text, "teacher.network.member");
  EXPECT_EQ(resolved.at("teacher.network.member").component.at("width").integer, 9);
}

TEST_F(ConfigSections, ANestedStudentIsNeeded) {
  EXPECT_EQ(errors("[dataset]\ntype = \"gaussian_mixture\"\n[loss]\ntype = \"itvm\"\n[student]\ntype = \"ensemble\"\n"),
            "error[E122]: there is no section [student.member], which student 'ensemble' needs\n"
            "  --> f.toml:6:8\n"
            "    6 | type = \"ensemble\"\n"
            "      |        ^^^^^^^^^^ add [student.member] with the `type` of a student: each of the networks");
  EXPECT_EQ(errors("[dataset]\ntype = \"gaussian_mixture\"\n[loss]\ntype = \"itvm\"\n[student]\ntype = \"ensemble\"\n"
                   "member = 3\n"),
            "error[E123]: [student.member] is an integer; it must be a table\n"
            "  --> f.toml:7:10\n"
            "    7 | member = 3\n"
            "      |          ^ a section is a line [student.member] with its keys below");
}

TEST_F(ConfigSections, TheTeachersTrainingHasTheValuesOfTrainWhereItSetsNone) {
  const Resolved resolved = load(kTeacher + kSmall + "[train]\nlr = 0.5\nsteps = 9\n");
  const Values& teacher = resolved.at("teacher.train").host;
  EXPECT_EQ(teacher.at("steps").integer, 5);
  EXPECT_EQ(teacher.at("lr").number, 0.5);
  EXPECT_EQ(without_folder(teacher.at("lr").origin.text()), "f.toml:12");
  EXPECT_EQ(teacher.at("batch").integer, 128);
  EXPECT_EQ(teacher.size(), resolved.at("train").host.size());
  EXPECT_TRUE(resolved.has("teacher.train"));
  EXPECT_EQ(resolved.at("teacher.loss").type, "flow_matching");
}

TEST_F(ConfigSections, AnEmptyTrainTableTrainsTheTeacher) {
  EXPECT_TRUE(load("[teacher]\ntype = \"network\"\n[teacher.train]\n" + kSmall).has("teacher.train"));
}

TEST_F(ConfigSections, ARunMayTrainATeacherAlone) {
  const Resolved resolved =
      load(kTeacher + "[teacher.network]\ntype = \"mlp\"\n[dataset]\ntype = \"gaussian_mixture\"\n");
  EXPECT_FALSE(resolved.has("student"));
  EXPECT_FALSE(resolved.has("loss"));
  EXPECT_FALSE(resolved.has("sampler"));
  EXPECT_TRUE(resolved.has("teacher.loss"));
}

TEST_F(ConfigSections, ATeacherAloneNeedsANetworkOfItsOwn) {
  EXPECT_EQ(errors(kTeacher + "[dataset]\ntype = \"gaussian_mixture\"\n"),
            "error[E122]: there is neither [teacher.network] nor a [student] to copy\n"
            "  --> f.toml:1:1\n"
            "    1 | [teacher]\n"
            "      | ^^^^^^^^^ add [teacher.network] with the `type` of a student");
}

TEST_F(ConfigSections, WhatIsMissingIsToldWithWhatIsKnown) {
  EXPECT_EQ(errors("[run]\n"),
            "error[E122]: there is no section [dataset]\n"
            "  --> f.toml\n"
            "  = add [dataset] with a `type`   (known: gaussian_mixture, idx)\n"
            "\n"
            "error[E122]: there is no section [student]\n"
            "  --> f.toml\n"
            "  = add [student] with a `type`   (known: clash, ensemble, mlp)\n"
            "\n"
            "error[E122]: there is no section [loss]\n"
            "  --> f.toml\n"
            "  = add [loss] with a `type`   (known: broken, flow_matching, itvm)");
}

TEST_F(ConfigSections, AMissingTypeOrKeyIsToldAtTheHeaderOfItsSection) {
  EXPECT_EQ(errors("[dataset]\ntype = \"idx\"\n# a comment\n[student]\nwidth = 3\n[loss]\ntype = \"itvm\"\n"),
            "error[E122]: [dataset] has no `path`, which dataset 'idx' needs\n"
            "  --> f.toml:1:1\n"
            "    1 | [dataset]\n"
            "      | ^^^^^^^^^ add `path` (path): folder of the four files\n"
            "\n"
            "error[E122]: [student] has no `type`\n"
            "  --> f.toml:4:1\n"
            "    4 | [student]\n"
            "      | ^^^^^^^^^ add `type`, the name of a student   (known: clash, ensemble, mlp)");
}

TEST_F(ConfigSections, ATypeIsAString) {
  EXPECT_EQ(errors("[dataset]\ntype = 3\n[student]\ntype = \"mlp\"\n[loss]\ntype = \"itvm\"\n"),
            "error[E123]: `type` in [dataset] is an integer; it must be a string\n"
            "  --> f.toml:2:8\n"
            "    2 | type = 3\n"
            "      |        ^ the name of a dataset");
}

}  // namespace
}  // namespace ttfm::config::test
