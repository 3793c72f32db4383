// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/registry.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include <ttfm/conformance/errors.h>

#include "bad_plugins/zoo.h"
#include "framework/base/variable.h"
#include "host/runtime_check.h"

namespace ttfm::host {
namespace {

namespace fs = std::filesystem;
using conformance::error_text;
using test::GoodConfig;
using test::PluginFolder;
using testing::internal::CaptureStderr;
using testing::internal::GetCapturedStderr;

bool is_loaded(const fs::path& file) {
  for (const fs::path& library : loaded_libraries()) {
    if (library == file) return true;
  }
  return false;
}

TEST(Registry, KnowsWhatFilesOfferWithoutOpeningThem) {
  PluginFolder folder;
  const fs::path good = folder.add("good");

  const Registry registry(folder.search_path());

  EXPECT_EQ(registry.names(TTFM_LOSS), (std::vector<std::string>{"good", "refuses", "throws"}));
  EXPECT_EQ(registry.names(TTFM_STUDENT), (std::vector<std::string>{"good"}));
  EXPECT_TRUE(registry.names(TTFM_DATASET).empty());
  EXPECT_FALSE(is_loaded(good));
}

TEST(Registry, OpensOnlyTheFileThatIsAskedFor) {
  PluginFolder folder;
  const fs::path good = folder.add("good");
  const fs::path sound = folder.add("sound");
  const Registry registry(folder.search_path());

  const auto table = registry.find(TTFM_LOSS, "good");

  EXPECT_EQ(table.count, 4u);
  EXPECT_STREQ(table.params->name, "step");
  EXPECT_EQ(table.provider, "good 1.2.3 (" + good.string() + ")");
  EXPECT_TRUE(is_loaded(good));
  EXPECT_FALSE(is_loaded(sound));
}

TEST(Registry, MakesComponentsThatReadTheirValues) {
  PluginFolder folder;
  folder.add("good");
  const Registry registry(folder.search_path());
  GoodConfig config;

  const Owned<Loss> with_teacher = registry.create<Loss>("good", config);
  config.step = 0.7;
  const Owned<Loss> without = registry.create<Loss>("good", config);
  const Owned<Student> student = registry.create<Student>("good", config);

  LossNeeds first, second;
  with_teacher->needs(first);
  without->needs(second);
  EXPECT_TRUE(first.teacher);
  EXPECT_FALSE(second.teacher);
  EXPECT_NE(student, nullptr);
}

TEST(Registry, ComponentsOutliveTheRegistry) {
  PluginFolder folder;
  folder.add("good");
  Owned<Loss> loss = Registry(folder.search_path()).create<Loss>("good", GoodConfig());

  LossNeeds needs;
  loss->needs(needs);

  EXPECT_TRUE(needs.teacher);
}

TEST(Registry, AnswersAMistypedNameWithTheNearest) {
  PluginFolder folder;
  folder.add("good");
  const Registry registry(folder.search_path());

  EXPECT_EQ(error_text([&] { registry.find(TTFM_LOSS, "goood"); }),
            "no loss 'goood'. Did you mean 'good'? Known: good, refuses, throws.");
}

TEST(Registry, SaysWhichKindHasTheName) {
  PluginFolder folder;
  folder.add("good");
  const Registry registry(folder.search_path());

  EXPECT_EQ(error_text([&] { registry.find(TTFM_STUDENT, "throws"); }),
            "no student 'throws'. There is a loss 'throws'. Known: good. Looked in: '" + folder.path().string() +
                "' (test).");
}

TEST(Registry, SaysWhereItLookedWhenAKindHasNoPlugins) {
  PluginFolder folder;
  folder.add("good");
  const SearchPath path = {{folder.path(), "test", false}, {"/nonexistent/plugins", "XDG_DATA_HOME", false}};
  const Registry registry(path);

  try {
    registry.find(TTFM_DATASET, "idx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), 101);
    EXPECT_EQ(error.kind(), ErrorKind::plugin);
    EXPECT_EQ(error.what(), "no dataset 'idx'. Looked in: '" + folder.path().string() +
                                "' (test), '/nonexistent/plugins' (XDG_DATA_HOME; does not exist).");
  }
}

TEST(Registry, TakesTheFirstOfTwoFilesAndWarnsWhenItIsUsed) {
  PluginFolder first, second;
  const fs::path used = first.add("sound");
  const fs::path shadowed = second.add("sound");
  const Registry registry({{first.path(), "--plugin-path", true}, {second.path(), "TTFM_PLUGIN_PATH", true}});

  CaptureStderr();
  const auto table = registry.find(TTFM_LOSS, "sound");
  registry.find(TTFM_LOSS, "sound");
  const std::string warning = GetCapturedStderr();

  EXPECT_EQ(table.provider, "sound 0.1.0 (" + used.string() + ")");
  EXPECT_EQ(warning, "warning: E114: loss 'sound' is provided by '" + used.string() + "' (--plugin-path) and by '" +
                         shadowed.string() +
                         "' (TTFM_PLUGIN_PATH); the first is used. Rename one of the two, or take its file away.\n");
  EXPECT_FALSE(is_loaded(shadowed));
}

TEST(Registry, DoesNotWarnOfTwoFilesThatAreNotUsed) {
  PluginFolder first, second;
  first.add("sound");
  second.add("sound");
  first.add("good");
  const Registry registry({{first.path(), "a", true}, {second.path(), "b", true}});

  CaptureStderr();
  registry.find(TTFM_LOSS, "good");

  EXPECT_EQ(GetCapturedStderr(), "");
}

TEST(Registry, CountsAFileWithSeveralNamesOnce) {
  PluginFolder folder, other;
  const fs::path file = folder.add("sound");
  fs::create_symlink(file, folder.file("again"));
  fs::create_symlink(file, other.file("elsewhere"));
  fs::create_hard_link(file, folder.file("hard"));
  const Registry registry({{folder.path(), "a", true}, {folder.path(), "b", true}, {other.path(), "c", true}});

  CaptureStderr();
  registry.find(TTFM_LOSS, "sound");

  EXPECT_EQ(GetCapturedStderr(), "");
  EXPECT_EQ(registry.components().size(), 1u);
}

TEST(Registry, AFirstFileThatIsRefusedIsAnErrorRatherThanAnotherFile) {
  PluginFolder first, second;
  const fs::path file = first.add("torch_tag");
  second.add("torch_tag");
  fs::copy_file(second.file("torch_tag"), second.file("zz_other"));
  const Registry registry({{first.path(), "a", true}, {second.path(), "b", true}});

  EXPECT_TRUE(error_text([&] { registry.find(TTFM_LOSS, "torch_tag"); }).starts_with(quoted(file) + " was built"));
  EXPECT_TRUE(registry.names(TTFM_LOSS).empty());
}

TEST(Registry, ForgetsAFileThatCouldNotBeOpened) {
  PluginFolder folder;
  folder.add("bad_magic");
  const Registry registry(folder.search_path());
  ASSERT_EQ(registry.names(TTFM_LOSS), (std::vector<std::string>{"bad_magic"}));

  error_text([&] { registry.find(TTFM_LOSS, "bad_magic"); });

  EXPECT_TRUE(registry.names(TTFM_LOSS).empty());
  EXPECT_EQ(registry.components().at(0).state, ComponentInfo::State::refused);
  EXPECT_EQ(registry.components().at(0).code, 107);
}

TEST(Registry, RefusesAFileThatOthersMayWrite) {
  PluginFolder folder;
  const fs::path file = folder.add("sound");
  folder.add("good");
  fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
  const Registry registry(folder.search_path());

  EXPECT_EQ(error_text([&] { registry.find(TTFM_LOSS, "sound"); }),
            quoted(file) + " is not loaded: '" + file.string() +
                "' can be written by other users, who could change the code that is loaded from it; run 'chmod go-w " +
                file.string() + "', or set TTFM_INSECURE_PLUGINS=1.");
  EXPECT_FALSE(is_loaded(file));
  EXPECT_NE(registry.create<Loss>("good", GoodConfig()), nullptr);
}

TEST(Registry, RefusesTheFilesOfAFolderThatOthersMayWrite) {
  PluginFolder folder;
  const fs::path file = folder.add("sound");
  fs::permissions(folder.path(), fs::perms::others_write, fs::perm_options::add);
  const Registry registry(folder.search_path());

  EXPECT_EQ(error_text([&] { registry.find(TTFM_LOSS, "sound"); }),
            quoted(file) + " is not loaded: '" + folder.path().string() +
                "' can be written by other users, who could change the code that is loaded from it; run 'chmod go-w " +
                folder.path().string() + "', or set TTFM_INSECURE_PLUGINS=1.");
}

TEST(Registry, LoadsAFileThatOthersMayWriteWhenToldToAndWarns) {
  PluginFolder folder;
  const fs::path file = folder.add("sound");
  fs::permissions(file, fs::perms::group_write, fs::perm_options::add);
  const test::Variable insecure("TTFM_INSECURE_PLUGINS", "1");
  const Registry registry(folder.search_path());

  CaptureStderr();
  registry.find(TTFM_LOSS, "sound");

  EXPECT_TRUE(GetCapturedStderr().starts_with("warning: '" + file.string() +
                                              "' is loaded because of TTFM_INSECURE_PLUGINS=1, although '"));
}

TEST(Registry, WarnsOfAFolderThatTheUserNamedAndThatDoesNotExist) {
  CaptureStderr();
  const Registry registry({{"/nonexistent/named", "--plugin-path", true}, {"/nonexistent/default", "yours", false}});

  EXPECT_EQ(GetCapturedStderr(), "warning: plugins: no folder '/nonexistent/named' (--plugin-path)\n");
}

TEST(Registry, HandsAPluginsLogLinesToTheLog) {
  PluginFolder folder;
  folder.add("create_fails");
  const Registry registry(folder.search_path());

  CaptureStderr();
  error_text([&] { registry.create<Loss>("create_fails", GoodConfig()); });

  EXPECT_EQ(GetCapturedStderr(), "warning: create_fails: about to fail\n");
}

TEST(Registry, ListsEverythingWithItsState) {
  using State = ComponentInfo::State;
  PluginFolder folder, second;
  const fs::path good = folder.add("good");
  folder.add("torch_tag");
  folder.add("no_note");
  second.add("good");
  const Registry registry({{folder.path(), "a", true}, {second.path(), "b", true}});

  const std::vector<ComponentInfo> closed = registry.components();
  const std::vector<ComponentInfo> open = registry.components(true);

  ASSERT_EQ(closed.size(), 10u);
  EXPECT_EQ(closed[0].kind + "/" + closed[0].name, "student/good");
  EXPECT_EQ(closed[0].state, State::closed);
  EXPECT_EQ(closed[0].version, "");
  EXPECT_EQ(closed[1].state, State::shadowed);
  EXPECT_EQ(closed[8].name, "torch_tag");
  EXPECT_EQ(closed[8].state, State::refused);
  EXPECT_EQ(closed[8].code, 110);
  EXPECT_EQ(closed[9].kind, "");
  EXPECT_EQ(closed[9].code, 104);

  ASSERT_EQ(open.size(), 10u);
  EXPECT_EQ(open[0].state, State::open);
  EXPECT_EQ(open[0].plugin, "good");
  EXPECT_EQ(open[0].version, "1.2.3");
  EXPECT_EQ(open[0].summary, "a student of the same name");
  EXPECT_EQ(open[0].path, good);
  EXPECT_EQ(open[0].why, "a");
  EXPECT_EQ(open[1].state, State::shadowed);
}

TEST(Registry, RemovingAFileRemovesJustItsComponents) {
  PluginFolder folder;
  folder.add("good");
  folder.add("sound");
  const Registry before(folder.search_path());
  fs::remove(folder.file("sound"));
  const Registry after(folder.search_path());

  EXPECT_EQ(before.names(TTFM_LOSS), (std::vector<std::string>{"good", "refuses", "sound", "throws"}));
  EXPECT_EQ(after.names(TTFM_LOSS), (std::vector<std::string>{"good", "refuses", "throws"}));
}

}  // namespace
}  // namespace ttfm::host
