// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/search_path.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include <ttfm/conformance/temporary_folder.h>

#include "framework/base/variable.h"

namespace ttfm::host {
namespace {

namespace fs = std::filesystem;
using test::Variable;

std::vector<std::string> lines(const SearchPath& path) {
  std::vector<std::string> all;
  for (const SearchFolder& folder : path) all.push_back(folder.path.string() + " " + folder.why);
  return all;
}

TEST(SearchPath, HasTheFoldersInTheirOrder) {
  const Variable path("TTFM_PLUGIN_PATH", "/env"), data("XDG_DATA_HOME", "/data"), home("HOME", "/home/me");

  const SearchPath all = search_path("/option:/option2", "/configured");

  ASSERT_EQ(all.size(), 6u);
  EXPECT_EQ(lines(SearchPath(all.begin(), all.end() - 1)),
            (std::vector<std::string>{"/option --plugin-path", "/option2 --plugin-path", "/configured [plugins] path",
                                      "/env TTFM_PLUGIN_PATH", "/data/ttfm/plugins/1 XDG_DATA_HOME"}));
}

TEST(SearchPath, EndsBesideTheLibraryThatThisProcessUses) {
  const SearchFolder last = search_path().back();

  EXPECT_EQ(last.why, "beside libttfm.so");
  EXPECT_EQ(last.path.filename(), "1");
  EXPECT_TRUE(fs::exists(last.path.parent_path().parent_path().parent_path() / "libttfm.so.1")) << last.path;
}

TEST(SearchPath, UsesTheUsersDataFolderWithoutXdg) {
  const Variable path("TTFM_PLUGIN_PATH", nullptr), data("XDG_DATA_HOME", nullptr), home("HOME", "/home/me");

  EXPECT_EQ(lines(search_path()).front(), "/home/me/.local/share/ttfm/plugins/1 your own plugins");
}

TEST(SearchPath, DoesNotHaveTheWorkingDirectoryUnlessItIsNamed) {
  const Variable path("TTFM_PLUGIN_PATH", ":"), data("XDG_DATA_HOME", "relative"), home("HOME", "");

  EXPECT_EQ(search_path(":", "::").size(), 1u);
  EXPECT_EQ(search_path("plugins").front().path, fs::current_path() / "plugins");
  EXPECT_EQ(fs::weakly_canonical(search_path(".").front().path), fs::weakly_canonical(fs::current_path()));
}

TEST(PluginFiles, AreThoseWithTheRightNameSorted) {
  const conformance::TemporaryFolder folder;
  for (const char* name : {"libttfm_b.so", "libttfm_a.so", "libttfm_a.so.1", "ttfm_c.so", "libttfm_d.txt", "libc.so"}) {
    std::ofstream(folder.path() / name);
  }

  const std::vector<fs::path> expected = {folder.path() / "libttfm_a.so", folder.path() / "libttfm_b.so"};
  EXPECT_EQ(plugin_files(folder.path()), expected);
  EXPECT_TRUE(plugin_files(folder.path() / "none").empty());
}

TEST(Trust, IsForWhatOnlyTheUserCanWrite) {
  const conformance::TemporaryFolder folder;
  const fs::path file = folder.path() / "file";
  std::ofstream(file) << "x";
  fs::permissions(file, fs::perms(0644));

  EXPECT_EQ(why_not_trusted(file), "");
  EXPECT_EQ(why_not_trusted(folder.path()), "");
  for (const unsigned mode : {0664u, 0646u, 0666u}) {
    fs::permissions(file, fs::perms(mode));
    EXPECT_NE(why_not_trusted(file), "") << std::oct << mode;
  }
  fs::permissions(folder.path(), fs::perms(01777));
  EXPECT_EQ(why_not_trusted(folder.path()), "");
  fs::permissions(folder.path(), fs::perms(0777));
  EXPECT_NE(why_not_trusted(folder.path()), "");
}

TEST(Trust, IsNotForTheFilesOfOthers) {
  const conformance::TemporaryFolder folder;
  const fs::path file = folder.path() / "file";
  std::ofstream(file) << "x";
  if (::chown(file.c_str(), 12345, static_cast<gid_t>(-1)) != 0) GTEST_SKIP() << "only root can give files away";

  EXPECT_EQ(why_not_trusted(file), quoted(file) +
                                       " belongs to another user (uid 12345), who could change the code that is "
                                       "loaded from it; copy it to a folder of your own");
}

}  // namespace
}  // namespace ttfm::host
