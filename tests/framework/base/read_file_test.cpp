// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/read_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>

#include <ttfm/conformance/temporary_folder.h>

namespace ttfm {
namespace {

namespace fs = std::filesystem;

class ReadFile : public testing::Test {
 protected:
  std::string refusal(const fs::path& path, int error = 0) const {
    try {
      read_file(path, kLimit);
    } catch (const UnreadableFile& unreadable) {
      EXPECT_EQ(unreadable.error, error);
      return unreadable.what();
    }
    ADD_FAILURE() << path << " was read";
    return {};
  }
  fs::path file(const std::string& bytes) const {
    std::ofstream(folder_.path() / "file", std::ios::binary) << bytes;
    return folder_.path() / "file";
  }

  static constexpr Limit kLimit{"TTFM_MAX_TEST", 16};
  conformance::TemporaryFolder folder_;
};

TEST_F(ReadFile, GivesEveryByte) {
  EXPECT_EQ(read_file(file(""), kLimit), "");
  EXPECT_EQ(read_file(file(std::string("a\0\r\n", 4)), kLimit), std::string("a\0\r\n", 4));
  EXPECT_EQ(read_file(file("0123456789abcdef"), kLimit), "0123456789abcdef");
}

TEST_F(ReadFile, RefusesMoreThanTheLimit) {
  EXPECT_EQ(refusal(file("0123456789abcdef!")), "it has 17 bytes, and the limit is 16 (TTFM_MAX_TEST=17 raises it)");
}

TEST_F(ReadFile, DoesNotWaitForWhatIsNoFile) {
  ASSERT_EQ(mkfifo((folder_.path() / "pipe").c_str(), 0600), 0);
  fs::create_symlink("/dev/zero", folder_.path() / "zero");
  fs::create_symlink("loop", folder_.path() / "loop");

  EXPECT_EQ(refusal(folder_.path() / "pipe"), "it is not a regular file");
  EXPECT_EQ(refusal(folder_.path() / "zero"), "it is not a regular file");
  EXPECT_EQ(refusal(folder_.path()), "it is a folder");
  EXPECT_EQ(refusal(folder_.path() / "loop", ELOOP), "Too many levels of symbolic links");
  EXPECT_EQ(refusal(folder_.path() / "none", ENOENT), "No such file or directory");
}

TEST_F(ReadFile, FollowsAFileThatIsLongerThanItSaysUpToTheLimit) {
  constexpr Limit kMany{"TTFM_MAX_TEST", 1 << 20};
  ASSERT_EQ(fs::file_size("/proc/self/status"), 0u);

  EXPECT_TRUE(read_file("/proc/self/status", kMany).starts_with("Name:"));
  EXPECT_TRUE(refusal("/proc/self/status").ends_with("raises it)"));
}

}  // namespace
}  // namespace ttfm
