// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/exit_code.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <new>

namespace ttfm::run {
namespace {

TEST(ExitCode, IsTheKindOfTheError) {
  EXPECT_EQ(exit_code(Error(ErrorKind::internal, "")), 1);
  EXPECT_EQ(exit_code(Error(ErrorKind::config, "")), 2);
  EXPECT_EQ(exit_code(Error(ErrorKind::data, "")), 3);
  EXPECT_EQ(exit_code(Error(ErrorKind::checkpoint, "")), 4);
  EXPECT_EQ(exit_code(Error(ErrorKind::plugin, "")), 5);
  EXPECT_EQ(exit_code(Error(ErrorKind::numeric, "")), 6);
  EXPECT_EQ(exit_code(Error(ErrorKind::io, "")), 7);
  EXPECT_EQ(exit_code(Error(ErrorKind::device, "")), 8);
}

TEST(ExitCode, OfOtherExceptionsFollowsTheirType) {
  const auto code = [](const std::exception& exception) { return exit_code(exception); };
  EXPECT_EQ(code(Error(ErrorKind::numeric, "")), 6);
  EXPECT_EQ(code(std::bad_alloc()), 8);
  EXPECT_EQ(code(c10::OutOfMemoryError({__func__, __FILE__, __LINE__}, "")), 8);
  EXPECT_EQ(code(c10::Error({__func__, __FILE__, __LINE__}, "DefaultCPUAllocator: can't allocate memory: you tried")),
            8);
  EXPECT_EQ(code(c10::Error({__func__, __FILE__, __LINE__}, "shapes differ")), 1);
  EXPECT_EQ(code(std::filesystem::filesystem_error("", std::make_error_code(std::errc::no_space_on_device))), 7);
  EXPECT_EQ(code(std::runtime_error("")), 1);
}

}  // namespace
}  // namespace ttfm::run
