// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "host/runtime_check.h"

#include <gtest/gtest.h>

#include <fstream>

#include <ttfm/conformance/temporary_folder.h>

namespace ttfm::host {
namespace {

TEST(DuplicateRuntime, IsNotInThisProcess) { EXPECT_EQ(duplicate_runtime(loaded_libraries()), ""); }

TEST(DuplicateRuntime, IsTwoFilesOfOneRuntime) {
  EXPECT_EQ(duplicate_runtime({"/a/libtorch_cpu.so", "/a/libc10.so", "/b/libtorch_cpu.so.2"}),
            "two copies of libtorch_cpu are loaded: '/a/libtorch_cpu.so' and '/b/libtorch_cpu.so.2'");
  EXPECT_EQ(duplicate_runtime({"/a/libgomp.so.1", "/b/libgomp-24e2ab19.so.1.0.0"}),
            "two copies of libgomp are loaded: '/a/libgomp.so.1' and '/b/libgomp-24e2ab19.so.1.0.0'");
  EXPECT_EQ(duplicate_runtime({"/a/libtorch_cpu.so", "/a/libgomp.so.1", "/b/libc10.so", "/a/libc10.so"}), "");
}

TEST(DuplicateRuntime, IsNotOneFileWithTwoNames) {
  const conformance::TemporaryFolder folder;
  std::ofstream(folder.path() / "libgomp.so.1.0.0") << "x";
  std::filesystem::create_symlink("libgomp.so.1.0.0", folder.path() / "libgomp.so.1");

  EXPECT_EQ(duplicate_runtime({folder.path() / "libgomp.so.1", folder.path() / "libgomp.so.1.0.0"}), "");
}

}  // namespace
}  // namespace ttfm::host
