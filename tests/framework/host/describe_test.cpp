// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/describe.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <ttfm/conformance/errors.h>
#include <ttfm/plugin.h>

#include "bad_plugins/zoo.h"

namespace ttfm::host {
namespace {

using conformance::error_text;
using test::PluginFolder;

std::vector<ComponentInfo> two_components() {
  ComponentInfo good{
      .kind = "loss", .name = "itvm", .plugin = "itvm", .version = "0.1.0", .summary = "matches velocities"};
  good.path = "/plugins/libttfm_loss_itvm.so";
  good.why = "beside libttfm.so";
  good.state = ComponentInfo::State::open;
  ComponentInfo bad{.kind = "teacher", .name = "network"};
  bad.path = "/p/libttfm_teacher_network.so";
  bad.why = "TTFM_PLUGIN_PATH";
  bad.state = ComponentInfo::State::refused;
  bad.code = 110;
  bad.reason = "'/p/libttfm_teacher_network.so' was built for LibTorch 2.14.";
  return {good, bad};
}

TEST(PluginList, HasALineForEachComponentAndTheReasonBelow) {
  EXPECT_EQ(list_text(two_components()),
            "KIND     NAME     VERSION  PATH                           SUMMARY\n"
            "loss     itvm     0.1.0    /plugins/libttfm_loss_itvm.so  matches velocities\n"
            "teacher  network  -        /p/libttfm_teacher_network.so\n"
            "    refused, E110: '/p/libttfm_teacher_network.so' was built for LibTorch 2.14.\n");
  EXPECT_EQ(list_text({}), "no plugins\n");
}

TEST(PluginList, AsJsonHoldsTheSame) {
  const auto parsed = nlohmann::json::parse(list_json(two_components()));

  ASSERT_EQ(parsed.size(), 2u);
  EXPECT_EQ(parsed[0]["kind"], "loss");
  EXPECT_EQ(parsed[0]["state"], "open");
  EXPECT_EQ(parsed[0]["path"], "/plugins/libttfm_loss_itvm.so");
  EXPECT_EQ(parsed[1]["state"], "refused");
  EXPECT_EQ(parsed[1]["code"], 110);
  EXPECT_EQ(nlohmann::json::parse(list_json({})).size(), 0u);
}

TEST(PluginList, AsJsonReplacesWhatIsNotUtf8) {
  std::vector<ComponentInfo> components = two_components();
  components[0].path = "/p\xff/libttfm_loss_itvm.so";
  const auto parsed = nlohmann::json::parse(list_json(components));

  EXPECT_EQ(parsed[0]["path"], "/p\xef\xbf\xbd/libttfm_loss_itvm.so");
}

class PluginDescribe : public testing::Test {
 protected:
  PluginDescribe() : file_(folder_.add("good")), registry_(folder_.search_path()) {}
  PluginFolder folder_;
  std::filesystem::path file_;
  Registry registry_;
};

TEST_F(PluginDescribe, ShowsTheParameterTable) {
  EXPECT_EQ(describe_text(find_components(registry_, "loss/good").at(0)),
            "loss/good: works\n"
            "  plugin   good 1.2.3, Apache-2.0\n"
            "  file     " +
                file_.string() +
                "\n"
                "\n"
                "PARAMETER  TYPE                  DEFAULT   LIMITS     WHAT IT IS\n"
                "step       number                0.2       > 0, <= 1  the longest step; in s\n"
                "way        one of first, second  \"second\"             which way\n"
                "terms      integer               none      >= 1, < 9  how many terms\n"
                "file       path                  required             where to look\n");
}

TEST_F(PluginDescribe, SaysThatThereAreNoParameters) {
  EXPECT_EQ(describe_text(find_components(registry_, "student/good").at(0)),
            "student/good: a student of the same name\n"
            "  plugin   good 1.2.3, Apache-2.0\n"
            "  file     " +
                file_.string() +
                "\n"
                "\n"
                "No parameters.\n");
}

TEST_F(PluginDescribe, WritesASectionOfAConfiguration) {
  EXPECT_EQ(describe_toml(find_components(registry_, "loss/good").at(0)),
            "# works\n"
            "[loss]\n"
            "type = \"good\"\n"
            "step = 0.2      # the longest step (number in s, > 0, <= 1)\n"
            "way = \"second\"  # which way (one of first, second)\n"
            "# terms =       # how many terms (integer, >= 1, < 9)\n"
            "# file =        # where to look (required, path)\n");
}

TEST_F(PluginDescribe, AsJsonHoldsTheSame) {
  const auto parsed = nlohmann::json::parse(describe_json(find_components(registry_, "loss/good").at(0)));

  EXPECT_EQ(parsed["name"], "good");
  ASSERT_EQ(parsed["params"].size(), 4u);
  EXPECT_EQ(parsed["params"][0]["limits"], "> 0, <= 1");
  EXPECT_EQ(parsed["params"][3]["required"], true);
  EXPECT_TRUE(parsed["params"][2]["default"].is_null());
}

TEST_F(PluginDescribe, AsJsonReplacesWhatIsNotUtf8) {
  Component component = find_components(registry_, "loss/good").at(0);
  component.path = "/p\xff/good.so";
  const auto parsed = nlohmann::json::parse(describe_json(component));

  EXPECT_EQ(parsed["path"], "/p\xef\xbf\xbd/good.so");
}

TEST_F(PluginDescribe, FindsEveryKindOfAName) {
  const std::vector<Component> found = find_components(registry_, "good");

  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].table->kind, static_cast<uint32_t>(TTFM_STUDENT));
  EXPECT_EQ(found[1].table->kind, static_cast<uint32_t>(TTFM_LOSS));
}

TEST_F(PluginDescribe, AnswersAWrongNameWithASuggestion) {
  EXPECT_EQ(error_text([&] { find_components(registry_, "god"); }),
            "no component 'god'. Did you mean 'good'? Known: good, refuses, throws.");
  EXPECT_EQ(error_text([&] { find_components(registry_, "loss/trows"); }),
            "no loss 'trows'. Did you mean 'throws'? Known: good, refuses, throws.");
  EXPECT_EQ(error_text([&] { find_components(registry_, "los/good"); }),
            "no kind 'los' in 'los/good'. Did you mean 'loss'? Known: dataset, teacher, student, loss, sampler.");
}

struct TunedLoss final : Loss {
  struct Options {
    double step = 0.2;
    int64_t limit = 9;

    template <class Visitor>
    void describe(Visitor& v) {
      v("step", step, "the longest step").above(0);
      v("limit", limit, "what nobody has to know").min(1).advanced();
    }
  };
  explicit TunedLoss(const Options&) {}
};

TEST(PluginDescribeAdvanced, IsNamedBelowTheTableAndWholeInJsonAndToml) {
  Plugin plugin("tuned", "0.1.0");
  plugin.add<TunedLoss>("tuned", "a loss");
  const ttfm_plugin_v1* const about = plugin.descriptor();
  const Component component{about->components, about, "/p/libttfm_tuned.so"};

  EXPECT_EQ(describe_text(component),
            "loss/tuned: a loss\n"
            "  plugin   tuned 0.1.0\n"
            "  file     /p/libttfm_tuned.so\n"
            "\n"
            "PARAMETER  TYPE    DEFAULT  LIMITS  WHAT IT IS\n"
            "step       number  0.2      > 0     the longest step\n"
            "\n"
            "Advanced, shown by --toml and --json: limit\n");
  const auto parsed = nlohmann::json::parse(describe_json(component));
  EXPECT_EQ(parsed["params"][1]["name"], "limit");
  EXPECT_NE(describe_toml(component).find("\nlimit = 9"), std::string::npos);
}

TEST(PluginDescribeRefused, DoesNotTakeAnEmptyNameForThatOfANamelessFile) {
  PluginFolder folder;
  folder.add("good");
  folder.add("no_note");
  const Registry registry(folder.search_path());

  EXPECT_EQ(error_text([&] { find_components(registry, ""); }), "no component ''. Known: good, refuses, throws.");
}

TEST(PluginDescribeRefused, SaysWhyTheFileCannotBeUsed) {
  PluginFolder folder;
  const std::filesystem::path file = folder.add("older_major");
  const Registry registry(folder.search_path());

  EXPECT_TRUE(error_text([&] {
                find_components(registry, "older_major");
              }).starts_with(quoted(file) + " was built for ttfm plugin ABI 0.9"));
}

}  // namespace
}  // namespace ttfm::host
