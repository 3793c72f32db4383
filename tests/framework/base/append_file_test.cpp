// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/append_file.h"

#include <gtest/gtest.h>

#include <optional>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>

#include "base/read_file.h"
#include "framework/base/full_disk.h"

namespace ttfm {
namespace {

using test::FullDisk;

class AppendFileTest : public testing::Test {
 protected:
  conformance::TemporaryFolder folder;
  std::filesystem::path path = folder.path() / "a";

  std::string contents() const { return read_file_or_nothing(path, limits::kConfigBytes); }
};

TEST_F(AppendFileTest, AppendsToWhatIsThere) {
  EXPECT_TRUE(AppendFile(path).append("one\n"));
  AppendFile file(path);
  EXPECT_TRUE(file.append("two\n"));
  EXPECT_EQ(contents(), "one\ntwo\n");
}

TEST_F(AppendFileTest, WhatAFullDiskDoesNotTakeComesLater) {
  AppendFile file(path);
  {
    const FullDisk disk(6);
    EXPECT_TRUE(file.append("one\n"));
    EXPECT_FALSE(file.append("two\n"));
    EXPECT_FALSE(file.append("three\n"));
    EXPECT_EQ(contents(), "one\ntw");
    EXPECT_EQ(conformance::error_text([&] { file.sync(); }), "cannot write '" + path.string() + "': File too large");
  }
  file.sync();
  EXPECT_EQ(contents(), "one\ntwo\nthree\n");
  EXPECT_TRUE(file.append("four\n"));
  EXPECT_EQ(contents(), "one\ntwo\nthree\nfour\n");
}

TEST_F(AppendFileTest, DropsWholeLinesWhereItMayNotKeepMore) {
  AppendFile file(path, /*most_kept=*/5);
  {
    const FullDisk disk(0);
    EXPECT_FALSE(file.append("one\n"));
    EXPECT_FALSE(file.append("two\n"));
    EXPECT_FALSE(file.append("dropped\n"));
  }
  EXPECT_TRUE(file.append(""));
  EXPECT_EQ(contents(), "one\ntwo\n");
}

TEST_F(AppendFileTest, WritesWhatItKeptAtItsEnd) {
  std::optional<AppendFile> file(path);
  {
    const FullDisk disk(0);
    EXPECT_FALSE(file->append("one\n"));
  }
  file.reset();
  EXPECT_EQ(contents(), "one\n");
}

TEST_F(AppendFileTest, AMissingFolderIsAnIoError) {
  EXPECT_EQ(conformance::error_text([] { AppendFile("/nonexistent/a"); }),
            "cannot open '/nonexistent/a': No such file or directory");
}

}  // namespace
}  // namespace ttfm
