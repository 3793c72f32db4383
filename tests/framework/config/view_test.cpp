// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/view.h"

#include <gtest/gtest.h>

#include <ttfm/error.h>

#include "config/sections.h"
#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

class ConfigViews : public ConfigTest {
 protected:
  static std::string bug(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::internal);
      return error.what();
    }
    return "no error";
  }
};

TEST_F(ConfigViews, TheHostsValuesFillItsStructs) {
  const Resolved resolved =
      load(kSmall + "[train]\nlr = 1\nschedule = \"linear\"\n[run]\nseed = 5\n[eval]\nevaluations = [3]\n");

  const auto train = read_section<TrainSection>(resolved.at("train"));
  EXPECT_EQ(train.lr, 1.0);
  EXPECT_EQ(train.schedule, Schedule::linear);
  EXPECT_EQ(train.steps, 3000);
  const auto run = read_section<RunSection>(resolved.at("run"));
  EXPECT_FALSE(run.name.has_value());
  EXPECT_EQ(run.seed, 5);
  EXPECT_EQ(read_section<EvalSection>(resolved.at("eval")).evaluations, std::vector<int64_t>{3});
  EXPECT_EQ(read_section<GuidanceSection>(resolved.at("teacher.guidance")).scale, 1.0);
  EXPECT_EQ(read_section<TrainSection>(resolved.at("teacher.train")).lr, 1.0);
}

TEST_F(ConfigViews, AComponentSeesItsParametersAndTheDataOnly) {
  const Resolved resolved = load(
      "[dataset]\ntype = \"gaussian_mixture\"\nweights = [1, 2]\n[student]\ntype = \"mlp\"\nbias = false\n"
      "[loss]\ntype = \"itvm\"\n");
  const ConfigView data_view(resolved.at("dataset"), {2}, 3);
  const Config data(&data_view);
  EXPECT_EQ(data.integer("modes"), 8);
  EXPECT_EQ(data.numbers("weights").vec(), (std::vector<double>{1, 2}));
  EXPECT_EQ(data.numbers("means").vec(), (std::vector<double>{0, 1, 2, 3}));
  EXPECT_EQ(data.rows("means"), 2);
  EXPECT_EQ(data.data_shape().vec(), (std::vector<int64_t>{2}));
  EXPECT_EQ(data.data_classes(), 3);

  const ConfigView student_view(resolved.at("student"), {2}, 0);
  const Config student(&student_view);
  EXPECT_FALSE(student.flag("bias"));
  EXPECT_EQ(bug([&] { student.text("init"); }),
            "a bug in 'mlp': it reads `init` of [student], which its table does not have");
}

TEST_F(ConfigViews, AnAccessorRefusesKeysThatTheTableDoesNotHaveOrOfAnotherType) {
  const Resolved resolved =
      load("[dataset]\ntype = \"idx\"\npath = \"/d\"\n[student]\ntype = \"mlp\"\n[loss]\ntype = \"itvm\"\n");
  const ConfigView data_view(resolved.at("dataset"), {2}, 0);
  const Config data(&data_view);

  EXPECT_EQ(data.text("path"), "/d");
  EXPECT_FALSE(data.has("limit"));
  EXPECT_EQ(bug([&] { data.has("limits"); }),
            "a bug in 'idx': it reads `limits` of [dataset], which its table does not have");
  EXPECT_EQ(bug([&] { data.integer("limit"); }),
            "a bug in 'idx': it reads `limit` of [dataset], which was not given and has no default: ask has() first");
  EXPECT_EQ(bug([&] { data.number("path"); }), "a bug in 'idx': it reads `path` of [dataset], which has another type");
  EXPECT_EQ(bug([&] { data.flag("path"); }), "a bug in 'idx': it reads `path` of [dataset], which has another type");
}

TEST_F(ConfigViews, ANestedStudentIsTheOneThatTheHostMade) {
  const Resolved resolved = load("[teacher]\ntype = \"network\"\n[teacher.train]\n" + kSmall);
  ConfigView view(resolved.at("teacher"), {2}, 0);
  const Config config(&view);
  EXPECT_TRUE(config.has("network"));
  EXPECT_EQ(bug([&] { config.student("network"); }),
            "a bug in 'network': it reads `network` of [teacher], a student that the host has not made");

  const FlowMap map(nullptr);
  view.set_student("network", map);

  EXPECT_EQ(&config.student("network"), &map);
}

}  // namespace
}  // namespace ttfm::config::test
