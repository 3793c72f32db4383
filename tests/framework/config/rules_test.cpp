// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ConfigRules : public ConfigTest {
 protected:
  std::vector<std::string> warnings(const std::string& text) const {
    std::vector<std::string> all = load(text).warnings;
    for (std::string& warning : all) warning = without_folder(warning);
    return all;
  }
};

using Texts = std::vector<std::string>;

TEST_F(ConfigRules, AccumulateDividesBatch) {
  write("base.toml", "[train]\nbatch = 10\n");
  EXPECT_EQ(errors("extends = \"base.toml\"\n" + kSmall + "[train]\naccumulate = 4\n"),
            "error[E125]: `accumulate` = 4 in [train] does not divide `batch` = 10\n"
            "  --> f.toml:9:14\n"
            "    9 | accumulate = 4\n"
            "      |              ^ each micro-batch holds batch / accumulate samples; `batch`: base.toml:2");
  EXPECT_EQ(load(kSmall + "[train]\nbatch = 12\naccumulate = 4\n").at("train").host.at("accumulate").integer, 4);
}

TEST_F(ConfigRules, TheTeachersTrainingIsCheckedWithWhatItHasFromTrain) {
  const std::string teacher = "[teacher]\ntype = \"network\"\n[teacher.train]\nsteps = 5\n";
  EXPECT_EQ(errors(teacher + kSmall + "[train]\nwarmup = 6\n"),
            "error[E125]: `warmup` = 6 in [teacher.train] is longer than `steps` = 5\n"
            "  --> f.toml:4:9\n"
            "    4 | steps = 5\n"
            "      |         ^ the warm-up is a part of the steps; `warmup`: f.toml:12");
}

TEST_F(ConfigRules, AContradictionInTrainIsNotRepeatedForTheTeacher) {
  const std::string teacher = "[teacher]\ntype = \"network\"\n[teacher.train]\n";
  EXPECT_EQ(errors(teacher + kSmall + "[train]\nwarmup = 6\nsteps = 5\n"),
            "error[E125]: `warmup` = 6 in [train] is longer than `steps` = 5\n"
            "  --> f.toml:11:10\n"
            "   11 | warmup = 6\n"
            "      |          ^ the warm-up is a part of the steps; `steps`: f.toml:12");
}

TEST_F(ConfigRules, GuidanceBeginsBeforeItEnds) {
  EXPECT_EQ(errors("[teacher]\ntype = \"gaussian\"\n[teacher.guidance]\nscale = 2\nto = 0.5\nfrom = 0.5\n" + kSmall),
            "error[E125]: `from` = 0.5 in [teacher.guidance] is not before `to` = 0.5\n"
            "  --> f.toml:6:8\n"
            "    6 | from = 0.5\n"
            "      |        ^^^ guidance acts at the times between the two; `to`: f.toml:5");
}

TEST_F(ConfigRules, ATeacherWithWeightsIsNotTrained) {
  const Resolved resolved = load("[teacher]\ntype = \"network\"\ncheckpoint = \"w\"\n[teacher.train]\n" + kSmall);

  EXPECT_FALSE(resolved.has("teacher.train"));
  EXPECT_TRUE(resolved.has("teacher.network"));
  ASSERT_EQ(resolved.warnings.size(), 1u);
  EXPECT_NE(resolved.warnings[0].find("`checkpoint` in [teacher] gives the weights"), std::string::npos);
}

TEST_F(ConfigRules, ATeachersNetworkNeedsWeights) {
  EXPECT_EQ(errors("[teacher]\ntype = \"network\"\n" + kSmall),
            "error[E122]: the network of [teacher] has no weights\n"
            "  --> f.toml:1:1\n"
            "    1 | [teacher]\n"
            "      | ^^^^^^^^^ add `checkpoint`: a .safetensors file or the folder of a run; or train it in "
            "[teacher.train]");
}

TEST_F(ConfigRules, AStudentStartsFromATeacherWithTheSameNetwork) {
  const std::string student = "[student]\ntype = \"mlp\"\ninit = \"teacher\"\n";
  const std::string rest = "[dataset]\ntype = \"gaussian_mixture\"\n[loss]\ntype = \"itvm\"\n";
  EXPECT_EQ(errors(student + rest),
            "error[E125]: `init` = \"teacher\" in [student] needs a teacher with a network\n"
            "  --> f.toml:3:8\n"
            "    3 | init = \"teacher\"\n"
            "      |        ^^^^^^^^^ there is no [teacher]");
  EXPECT_EQ(errors(student + rest + "[teacher]\ntype = \"gaussian\"\n"),
            "error[E125]: `init` = \"teacher\" in [student] needs a teacher with a network\n"
            "  --> f.toml:3:8\n"
            "    3 | init = \"teacher\"\n"
            "      |        ^^^^^^^^^ [teacher] has `type` = \"gaussian\"");
  const std::string network = "[teacher]\ntype = \"network\"\n[teacher.train]\n";
  EXPECT_EQ(errors(student + rest + network +
                   "[teacher.network]\ntype = \"ensemble\"\n[teacher.network.member]\ntype = \"mlp\"\n"),
            "error[E125]: `init` = \"teacher\" in [student] needs networks of one type: [student] is \"mlp\", "
            "[teacher.network] is \"ensemble\"\n"
            "  --> f.toml:3:8\n"
            "    3 | init = \"teacher\"\n"
            "      |        ^^^^^^^^^ give both the same `type`, or write init = \"random\"");
  EXPECT_EQ(load(student + rest + network).at("student").host.at("init").text, "teacher");
}

TEST_F(ConfigRules, EvaluationsAreSortedAndUnique) {
  EXPECT_EQ(errors(kSmall + "[eval]\nevaluations = [4, 1, 4]\nteacher_evaluations = [1, 2]\n"),
            "error[E117]: `evaluations` in [eval] is [4, 1, 4]; it must be sorted, each number once\n"
            "  --> f.toml:8:15\n"
            "    8 | evaluations = [4, 1, 4]\n"
            "      |               ^^^^^^^^^ write [1, 4]");
  EXPECT_EQ(first_line(errors(kSmall, {"--eval.teacher_evaluations=[1, 1, 2]"})),
            "error[E117]: `teacher_evaluations` in [eval] is [1, 1, 2]; it must be sorted, each number once");
}

TEST_F(ConfigRules, ARunHasTheNameOfAFolder) {
  for (const char* name : {"a", "_1.x-y", "20261122-2014-quickstart-3fa2"}) {
    EXPECT_EQ(load(kSmall, {std::string("--run.name=") + name}).at("run").host.at("name").text, name);
  }
  for (const std::string& name :
       {std::string(), std::string("."), std::string("-a"), std::string("a/b"), std::string(129, 'a')}) {
    EXPECT_EQ(first_line(errors(kSmall, {"--run.name=" + name})),
              "error[E117]: `name` in [run] is \"" + name + "\", which cannot name a folder");
  }
}

TEST_F(ConfigRules, TheStudentIsMeasuredAtSomeNumberOfEvaluations) {
  EXPECT_EQ(first_line(errors(kSmall, {"--eval.evaluations=[]"})),
            "error[E117]: `evaluations` in [eval] is []; it must hold a number");
  EXPECT_TRUE(
      load(kSmall, {"--eval.teacher_evaluations=[]"}).at("eval").host.at("teacher_evaluations").integers.empty());
}

TEST_F(ConfigRules, ADeviceIsOneOfTheKnownForms) {
  for (const char* device : {"auto", "cpu", "cuda", "cuda:0", "cuda:12"}) {
    EXPECT_EQ(load(kSmall, {std::string("--run.device=") + device}).at("run").host.at("device").text, device);
  }
  for (const char* device : {"gpu", "cuda:", "cuda:x", "cuda:1234", ""}) {
    EXPECT_EQ(errors(kSmall, {std::string("--run.device=") + device}).substr(0, 18), "error[E124]: `devi") << device;
  }
  EXPECT_EQ(errors(kSmall + "[run]\ndevice = \"gpu\"\n"),
            "error[E124]: `device` in [run] is \"gpu\"; it must be one of auto, cpu, cuda, cuda:N\n"
            "  --> f.toml:8:10\n"
            "    8 | device = \"gpu\"\n"
            "      |          ^^^^^ cuda is the first NVIDIA GPU, cuda:N that of number N, from 0");
}

TEST_F(ConfigRules, AWrongValueBreaksNoRuleBesides) {
  EXPECT_EQ(errors(kSmall + "[train]\nbatch = 0\naccumulate = 3\n"),
            "error[E117]: `batch` in [train] is 0; it must be at least 1\n"
            "  --> f.toml:8:9\n"
            "    8 | batch = 0\n"
            "      |         ^ samples in one optimiser step");
}

TEST_F(ConfigRules, AWrongValueOfTheTeachersTrainingIsNotReplacedByThatOfTrain) {
  EXPECT_EQ(errors("[teacher]\ntype = \"network\"\n[teacher.train]\nsteps = 0\nwarmup = 5000\n" + kSmall),
            "error[E117]: `steps` in [teacher.train] is 0; it must be at least 1\n"
            "  --> f.toml:4:9\n"
            "    4 | steps = 0\n"
            "      |         ^ optimiser steps");
}

TEST_F(ConfigRules, ValuesWithoutEffectAreWarnedOf) {
  EXPECT_EQ(
      warnings(kSmall + "[train]\nschedule = \"constant\"\nfinal_lr = 0.1\n"),
      (Texts{"f.toml:9: `final_lr` in [train] has no effect: the rate does not fall with schedule = \"constant\""}));
  EXPECT_EQ(
      warnings("[teacher]\ntype = \"gaussian\"\n[teacher.guidance]\nfrom = 0.5\n" + kSmall),
      (Texts{"f.toml:4: `from` in [teacher.guidance] has no effect: `scale` in [teacher.guidance] is 1, no guidance"}));
  EXPECT_EQ(warnings(kSmall + "[eval]\nmetrics = false\nprojections = 3\nteacher_evaluations = [1]\n"),
            (Texts{"f.toml:9: `projections` in [eval] has no effect: `metrics` in [eval] is false",
                   "f.toml:10: `teacher_evaluations` in [eval] has no effect: there is no [teacher]"}));
}

TEST_F(ConfigRules, SectionsWithoutEffectAreWarnedOf) {
  EXPECT_EQ(warnings("[teacher]\ntype = \"gaussian\"\n[teacher.network]\ntype = \"mlp\"\n[teacher.train]\n"
                     "[teacher.loss]\n" +
                     kSmall),
            (Texts{"f.toml:3: [teacher.network] has no effect: teacher \"gaussian\" has no network",
                   "f.toml:5: [teacher.train] has no effect: teacher \"gaussian\" has no network to train",
                   "f.toml:6: [teacher.loss] has no effect: the teacher is not trained in this run"}));
  EXPECT_EQ(warnings("[teacher]\ntype = \"network\"\n[teacher.train]\n[teacher.network]\ntype = \"mlp\"\n"
                     "[dataset]\ntype = \"gaussian_mixture\"\n[sampler]\n"),
            (Texts{"f.toml:8: [sampler] has no effect: there is no [student]"}));
}

TEST_F(ConfigRules, AValueThatIsTheDefaultIsNoReasonToWarn) {
  EXPECT_EQ(
      warnings(kSmall + "[train]\nschedule = \"constant\"\nfinal_lr = 0\n[eval]\nmetrics = false\nprojections = 256\n"),
      Texts{});
}

}  // namespace
}  // namespace ttfm::config::test
