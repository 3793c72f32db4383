// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <ttfm/error.h>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ConfigErrors : public ConfigTest {
 protected:
  /// Kind and number of the error that loading `text` gives.
  std::pair<ErrorKind, int> code(const std::string& text) const {
    try {
      load(text);
    } catch (const Error& error) {
      return {error.kind(), error.code()};
    }
    return {ErrorKind::internal, -1};
  }
};

constexpr const char* kTrainKeys =
    "(valid: steps, batch, accumulate, lr, schedule, warmup, final_lr, beta1, beta2, eps, weight_decay, clip_norm, "
    "ema_decay, precision, frozen_precision, activations, on_nonfinite, max_skipped)";
constexpr const char* kSections =
    "run, dataset, teacher, teacher.network, teacher.train, teacher.loss, teacher.guidance, teacher.sampler, student, "
    "loss, sampler, train, eval, log, checkpoint, plugins)";

TEST_F(ConfigErrors, AMistypedKeyGetsItsLineCaretSuggestionAndTheValidKeys) {
  EXPECT_EQ(errors(kSmall + "[train]\n# the rate\nlr_rate = 1e-4\n"),
            std::string("error[E116]: unknown key `lr_rate` in [train]\n"
                        "  --> f.toml:9:1\n"
                        "    9 | lr_rate = 1e-4\n"
                        "      | ^^^^^^^ did you mean `lr`?   ") +
                kTrainKeys);
}

TEST_F(ConfigErrors, ANearNameIsSuggested) {
  EXPECT_EQ(errors(kSmall + "stpe = 1\n"),
            "error[E116]: unknown key `stpe` in [loss]: loss 'itvm' has no such parameter\n"
            "  --> f.toml:7:1\n"
            "    7 | stpe = 1\n"
            "      | ^^^^ did you mean `step`?   (valid: type, step, integrator, longest, times)");
}

TEST_F(ConfigErrors, AKeyOfAnotherSectionIsRecognised) {
  EXPECT_EQ(errors(kSmall + "[log]\nlr = 1\n"),
            "error[E116]: unknown key `lr` in [log]\n"
            "  --> f.toml:8:1\n"
            "    8 | lr = 1\n"
            "      | ^^ this key exists in [train]   (valid: every, seconds)");
  EXPECT_EQ(errors("step = 1\n" + kSmall), std::string("error[E116]: unknown key `step` outside of all sections\n"
                                                       "  --> f.toml:1:1\n"
                                                       "    1 | step = 1\n"
                                                       "      | ^^^^ this key exists in [loss]   (sections: ") +
                                               kSections);
}

TEST_F(ConfigErrors, AKeyOfAnotherSectionIsPreferredToANameThatIsNotQuiteNear) {
  EXPECT_EQ(errors(kSmall + "[train]\npath = \"p\"\n"),  // two edits from `batch`
            std::string("error[E116]: unknown key `path` in [train]\n"
                        "  --> f.toml:8:1\n"
                        "    8 | path = \"p\"\n"
                        "      | ^^^^ this key exists in [plugins]   ") +
                kTrainKeys);
  EXPECT_EQ(errors(kSmall + "[train]\nstep = 1\n"),  // one edit, and a key of [loss]
            std::string("error[E116]: unknown key `step` in [train]\n"
                        "  --> f.toml:8:1\n"
                        "    8 | step = 1\n"
                        "      | ^^^^ did you mean `steps`?   ") +
                kTrainKeys);
}

TEST_F(ConfigErrors, AnUnknownSectionIsRefusedWithASuggestion) {
  EXPECT_EQ(errors(kSmall + "[trian]\nlr = 1\n"), std::string("error[E121]: unknown section [trian]\n"
                                                              "  --> f.toml:7:2\n"
                                                              "    7 | [trian]\n"
                                                              "      |  ^^^^^ did you mean [train]?   (valid: ") +
                                                      kSections);
  EXPECT_EQ(errors(kSmall + "[guidance]\n"),
            std::string("error[E121]: unknown section [guidance]\n"
                        "  --> f.toml:7:2\n"
                        "    7 | [guidance]\n"
                        "      |  ^^^^^^^^ did you mean [teacher.guidance]?   (valid: ") +
                kSections);
  EXPECT_EQ(errors(kSmall + "[loss.inner]\n"),
            "error[E121]: unknown section [loss.inner]\n"
            "  --> f.toml:7:7\n"
            "    7 | [loss.inner]\n"
            "      |       ^^^^^ [loss] has no tables");
}

TEST_F(ConfigErrors, FiveMistakesGiveFiveErrorsInTheOrderOfTheirLines) {
  EXPECT_EQ(errors("[log]\n"
                   "evry = 1\n"
                   "[train]\n"
                   "steps = \"many\"\n"
                   "lr = -1\n"
                   "schedule = \"cosin\"\n"
                   "[lgo]\n" +
                   kSmall),
            std::string("error[E116]: unknown key `evry` in [log]\n"
                        "  --> f.toml:2:1\n"
                        "    2 | evry = 1\n"
                        "      | ^^^^ did you mean `every`?   (valid: every, seconds)\n"
                        "\n"
                        "error[E123]: `steps` in [train] is a string; it must be an integer\n"
                        "  --> f.toml:4:9\n"
                        "    4 | steps = \"many\"\n"
                        "      |         ^^^^^^ optimiser steps\n"
                        "\n"
                        "error[E117]: `lr` in [train] is -1; it must be above 0\n"
                        "  --> f.toml:5:6\n"
                        "    5 | lr = -1\n"
                        "      |      ^^ highest learning rate of AdamW\n"
                        "\n"
                        "error[E124]: `schedule` in [train] is \"cosin\"; it must be one of constant, cosine, linear\n"
                        "  --> f.toml:6:12\n"
                        "    6 | schedule = \"cosin\"\n"
                        "      |            ^^^^^^^ did you mean \"cosine\"?\n"
                        "\n"
                        "error[E121]: unknown section [lgo]\n"
                        "  --> f.toml:7:2\n"
                        "    7 | [lgo]\n"
                        "      |  ^^^ did you mean [log]?   (valid: ") +
                kSections);
}

TEST_F(ConfigErrors, TwentyAreShownAndTheRestIsCounted) {
  std::string text = kSmall + "[train]\n";
  for (int i = 10; i < 35; ++i) text += "wrong_" + std::to_string(i) + " = 1\n";

  const std::string all = errors(text);

  size_t count = 0;
  for (size_t at = all.find("error[E116]"); at != std::string::npos; at = all.find("error[E116]", at + 1)) ++count;
  EXPECT_EQ(count, 20u);
  EXPECT_NE(all.find("`wrong_29`"), std::string::npos);
  EXPECT_EQ(all.find("`wrong_30`"), std::string::npos);
  EXPECT_TRUE(all.ends_with(std::string(kTrainKeys) + "\n\nand 5 more")) << all;
}

TEST_F(ConfigErrors, TheErrorHasTheNumberOfItsFirstProblem) {
  EXPECT_EQ(code("[dataset]\ntype = \"gaussian_mixture\"\n[train]\nlr = nan\nstep = 1\n[student]\ntype = \"mlp\"\n"
                 "[loss]\ntype = \"itvm\"\n"),
            std::make_pair(ErrorKind::config, 117));
}

TEST_F(ConfigErrors, AnUnknownComponentIsToldAtItsType) {
  const std::string text =
      "[dataset]\ntype = \"gaussian_mixture\"\n[student]\ntype = \"mlpp\"\nwidth = -1\n[loss]\ntype = \"itvm\"\n";
  EXPECT_EQ(errors(text),
            "error[E115]: there is no 'mlpp'. Known: clash, ensemble, mlp\n"
            "  --> f.toml:4:8\n"
            "    4 | type = \"mlpp\"\n"
            "      |        ^^^^^^");
  EXPECT_EQ(code(text), std::make_pair(ErrorKind::config, 115));
}

TEST_F(ConfigErrors, AComponentThatCannotBeLoadedIsAnErrorOfThePluginUnlessTheConfigurationIsWrongToo) {
  const std::string text = kSmall + "[sampler]\ntype = \"unloadable\"\n";
  EXPECT_EQ(errors(text),
            "error[E103]: 'libx.so' cannot be loaded: undefined symbol: f\n"
            "  --> f.toml:8:8\n"
            "    8 | type = \"unloadable\"\n"
            "      |        ^^^^^^^^^^^^");
  EXPECT_EQ(code(text), std::make_pair(ErrorKind::plugin, 103));
  EXPECT_EQ(code(text + "[train]\nlr = 0\n"), std::make_pair(ErrorKind::config, 103));
}

TEST_F(ConfigErrors, AParameterMustNotHaveTheNameOfAKeyOfTheHost) {
  const std::string text =
      "[dataset]\ntype = \"gaussian_mixture\"\n[student]\ntype = \"clash\"\n[loss]\ntype = \"itvm\"\n";
  EXPECT_EQ(errors(text),
            "error[E129]: student 'clash': its parameter `init` has the name of a key of the host; it comes from clash "
            "1.0.0\n"
            "  --> f.toml:4:8\n"
            "    4 | type = \"clash\"\n"
            "      |        ^^^^^^^");
  EXPECT_EQ(code(text), std::make_pair(ErrorKind::plugin, 129));
}

TEST_F(ConfigErrors, ATableWhoseDefaultBreaksItsOwnLimitIsRefused) {
  EXPECT_EQ(errors("[dataset]\ntype = \"gaussian_mixture\"\n[student]\ntype = \"mlp\"\n[loss]\ntype = \"broken\"\n"),
            "error[E129]: loss 'broken': the parameter table is broken at `steps`: its default 0 is not valid\n"
            "  --> f.toml:6:8\n"
            "    6 | type = \"broken\"\n"
            "      |        ^^^^^^^^");
}

TEST_F(ConfigErrors, ALongLineIsCutAroundItsCaret) {
  const std::string many(200, '1');
  EXPECT_EQ(errors(kSmall + "step = 1 #" + many + "\n[eval]\nevaluations = [" + std::string(150, ' ') + "0" +
                   std::string(80, ' ') + "]\n"),
            "error[E117]: element 1 of `evaluations` in [eval] is 0; it must be at least 1\n"
            "  --> f.toml:9:166\n"
            "    9 | ..." +
                std::string(60, ' ') + "0" +
                "...\n"
                "      |    " +
                std::string(60, ' ') + "^ network evaluations for one sample of the student");
}

TEST_F(ConfigErrors, TheCaretCountsCharactersAndControlCharactersAreNotPrinted) {
  EXPECT_EQ(errors(kSmall + "times = \"\xC3\xA4\xC3\xB6\"\t # \xC3\xBC\n[train]\n\"\\u001b[31m\" = 1\n"),
            std::string("error[E116]: unknown key `?[31m` in [train]\n"
                        "  --> f.toml:9:1\n"
                        "    9 | \"\\u001b[31m\" = 1\n"
                        "      | ^^^^^^^^^^^^ ") +
                kTrainKeys);
  EXPECT_EQ(errors(kSmall + "times = \"\xC3\xA4\xC3\xB6\"\t\n[run]\n\tfolder = '\xC3\xA4'\n\tseed\t= \"\xC3\xB6\"\n"),
            "error[E123]: `seed` in [run] is a string; it must be an integer\n"
            "  --> f.toml:10:9\n"
            "   10 |  seed = \"\xC3\xB6\"\n"
            "      |         ^^^ every random number of the run follows from it");
}

}  // namespace
}  // namespace ttfm::config::test
