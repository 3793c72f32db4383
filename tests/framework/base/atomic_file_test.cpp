// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/error.h>

#include "framework/base/full_disk.h"

namespace ttfm {
namespace {

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

int64_t entries(const std::filesystem::path& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}

TEST(AtomicFile, WritesANewFileAndReplacesAnOldOne) {
  const conformance::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a";

  write_file_atomically(path, std::string("one\0two", 7));
  EXPECT_EQ(contents(path), std::string("one\0two", 7));
  write_file_atomically(path, "");

  EXPECT_EQ(contents(path), "");
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(AtomicFile, HasTheModeOfAnOrdinaryFile) {
  const conformance::TemporaryFolder folder;
  write_file_atomically(folder.path() / "a", "x");
  std::ofstream(folder.path() / "b") << "x";

  EXPECT_EQ(std::filesystem::status(folder.path() / "a").permissions(),
            std::filesystem::status(folder.path() / "b").permissions());
}

TEST(AtomicFile, WithoutCommitNothingRemains) {
  const conformance::TemporaryFolder folder;
  {
    AtomicFile file(folder.path() / "a");
    file.write("half", 4);
    EXPECT_EQ(entries(folder.path()), 1);
  }
  EXPECT_EQ(entries(folder.path()), 0);
}

TEST(AtomicFile, AFailedWriteKeepsTheOldFileAndLeavesNoTemporary) {
  const conformance::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a";
  write_file_atomically(path, "old");

  std::string text;
  {
    const test::FullDisk disk(1000);  // the first write is short, the second fails
    text = conformance::error_text([&] { write_file_atomically(path, std::string(5000, 'x')); });
  }

  EXPECT_EQ(text, "cannot write '" + path.string() + "': File too large");
  EXPECT_EQ(contents(path), "old");
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(AtomicFile, AFolderInItsPlaceIsAnIoError) {
  const conformance::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "a";
  std::filesystem::create_directory(path);

  try {
    write_file_atomically(path, "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::io);
    EXPECT_EQ(error.what(), "cannot rename to '" + path.string() + "': Is a directory");
  }
  EXPECT_EQ(entries(folder.path()), 1);
}

TEST(AtomicFile, AMissingFolderIsAnIoError) {
  EXPECT_EQ(conformance::error_text([] { write_file_atomically("/nonexistent/a", "x"); }),
            "cannot create '/nonexistent/a': No such file or directory");
}

}  // namespace
}  // namespace ttfm
