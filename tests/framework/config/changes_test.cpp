// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ChangesTest : public ConfigTest {
 protected:
  /// "train.lr: 0.001 -> 0.002" for each.
  std::vector<std::string> between(const std::vector<std::string>& before, const std::vector<std::string>& now) {
    write("f.toml", kSmall);
    std::vector<std::string> texts;
    for (const Change& change : changes(load(before), load(now))) {
      texts.push_back(change.key + ": " + change.before + " -> " + change.now + (change.path ? " (path)" : ""));
    }
    return texts;
  }
};

TEST_F(ChangesTest, OfOneConfigurationAreNone) {
  EXPECT_TRUE(between({}, {}).empty());
  EXPECT_TRUE(between({}, {"--train.lr=0.001"}).empty()) << "what is given may be the default";
  EXPECT_TRUE(between({"--train.lr=1e-3"}, {"--train.lr=0.001"}).empty());
}

TEST_F(ChangesTest, AreNamedByKey) {
  EXPECT_EQ(between({}, {"--train.lr=0.002", "--run.seed=3"}),
            (std::vector<std::string>{"run.seed: 0 -> 3", "train.lr: 0.001 -> 0.002"}));
}

TEST_F(ChangesTest, OfPathsSaySo) {
  const auto texts = between({}, {"--run.folder=" + folder() + "/elsewhere"});
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_TRUE(texts[0].starts_with("run.folder: ")) << texts[0];
  EXPECT_TRUE(texts[0].ends_with(" (path)")) << texts[0];
}

TEST_F(ChangesTest, OfASectionThatComesOrGoesAreThoseOfItsValues) {
  const auto texts = between({}, {"--run.name=a"});
  EXPECT_EQ(texts, (std::vector<std::string>{"run.name:  -> \"a\""}));
}

}  // namespace
}  // namespace ttfm::config::test
