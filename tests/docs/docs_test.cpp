// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <gtest/gtest.h>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = TTFM_SOURCE;

TEST(Readme, ThePluginThatItShowsTrains) {
  const conformance::TemporaryFolder folder;
  write_file(folder.path() / "small.toml", small_config());

  const Outcome outcome =
      ttfm(folder.path(), {"run", "small.toml", "--loss.type=velocity", "--plugin-path", TTFM_SNIPPETS});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST(Recipes, AllAreValid) {
  int checked = 0;
  for (const char* place : {"configs", "plugins"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kSource / place)) {
      if (entry.path().extension() != ".toml") continue;
      const Outcome outcome = ttfm(entry.path().parent_path(), {"config", "check", entry.path().filename().string()});
      EXPECT_EQ(outcome.code, 0) << entry.path() << '\n' << outcome.err;
      ++checked;
    }
  }
  EXPECT_GT(checked, 25);
}

}  // namespace
}  // namespace ttfm::test
