// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/located.h"

#include <gtest/gtest.h>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ConfigLocated : public ConfigTest {
 protected:
  /// What a refusal of loss 'itvm' with this text becomes.
  std::string told(const std::string& config, const std::string& text, const char* section = "loss") const {
    const Resolved resolved = load(config);
    return without_folder(located(Error(ErrorKind::config, text, 118), resolved.at(section)).what());
  }
};

TEST_F(ConfigLocated, ARefusalIsToldAtTheFirstParameterThatItNames) {
  EXPECT_EQ(told(kSmall + "times = \"u\"\nstep = 0.5\n", "a timestep beyond step = 0.5 leaves none"),
            "error[E118]: a timestep beyond step = 0.5 leaves none\n"
            "  --> f.toml:8:8\n"
            "    8 | step = 0.5\n"
            "      |        ^^^");
}

TEST_F(ConfigLocated, ARefusalThatNamesNoGivenParameterIsToldAtTheType) {
  EXPECT_EQ(told(kSmall, "step is too long"),
            "error[E118]: step is too long\n"
            "  --> f.toml:6:8\n"
            "    6 | type = \"itvm\"\n"
            "      |        ^^^^^^");
}

TEST_F(ConfigLocated, ARefusalOfADefaultComponentHasNoPlaceButItsHeader) {
  EXPECT_EQ(told(kSmall, "no", "sampler"), "error[E118]: no");
  EXPECT_EQ(told(kSmall + "[sampler]\n", "no", "sampler"),
            "error[E118]: no\n"
            "  --> f.toml:7:1\n"
            "    7 | [sampler]\n"
            "      | ^^^^^^^^^");
}

TEST_F(ConfigLocated, ATeachersNetworkThatIsACopyIsToldAtTheStudent) {
  EXPECT_EQ(told("[teacher]\ntype = \"network\"\n[teacher.train]\n" + kSmall, "no", "teacher.network"),
            "error[E118]: no\n"
            "  --> f.toml:7:8\n"
            "    7 | type = \"mlp\"\n"
            "      |        ^^^^^");
}

TEST_F(ConfigLocated, OtherErrorsStayAsTheyAre) {
  const Resolved resolved = load(kSmall);
  const Error data(ErrorKind::data, "step.png is broken", 118);

  EXPECT_STREQ(located(data, resolved.at("loss")).what(), "step.png is broken");
  const Error once = located(Error(ErrorKind::config, "no", 118), resolved.at("loss"));
  EXPECT_STREQ(located(once, resolved.at("loss")).what(), once.what());
}

}  // namespace
}  // namespace ttfm::config::test
