// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// What `ttfm plugin new` writes and refuses; tests/checks/sdk builds, tests and runs it.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include <ttfm/conformance/temporary_folder.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

class PluginNew : public testing::Test {
 protected:
  conformance::TemporaryFolder folder;

  Outcome plugin_new(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"plugin", "new"});
    return ttfm(folder.path(), arguments);
  }

  /// The error's text, after making sure that nothing was written.
  std::string refusal(const std::vector<std::string>& arguments) {
    const std::vector<std::string> before = files(folder.path());
    const Outcome outcome = plugin_new(arguments);
    EXPECT_EQ(outcome.code, 2) << outcome.out;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(files(folder.path()), before);
    return outcome.err;
  }

  static std::vector<std::string> files(const fs::path& root) {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      found.push_back(entry.path().lexically_relative(root).generic_string());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
};

TEST_F(PluginNew, WritesAProjectAndSaysHowToGoOn) {
  const Outcome outcome = plugin_new({"loss", "acme_2b"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "wrote acme_2b: .gitignore, CMakeLists.txt, CMakePresets.json, LICENSE, README.md, acme_2b_loss.cpp, "
            "acme_2b_loss.h, acme_2b_loss_test.cpp, example.toml, plugin.cpp\n"
            "\n"
            "This ttfm is not installed, and a plugin is built with an installed one. In ttfm's sources:\n"
            "\n"
            "  ./dev install PREFIX\n"
            "\n"
            "Next:\n"
            "\n"
            "  cd acme_2b\n"
            "  cmake -B build -DCMAKE_PREFIX_PATH=PREFIX\n"
            "  cmake --build build\n"
            "  ctest --test-dir build\n"
            "  PREFIX/bin/ttfm run example.toml --plugin-path build/plugins\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(PluginNew, EveryKindHasItsFilesWithoutAPlaceholder) {
  const std::regex placeholder("@[A-Za-z_]+@");
  for (const std::string kind : {"dataset", "teacher", "student", "loss", "sampler"}) {
    ASSERT_EQ(plugin_new({kind, "acme_2b", "--dir", folder.path()}).code, 0);
    const std::string name = kind == "student" ? "acme_2b" : "acme_2b_" + kind;
    const fs::path project = folder.path() / "acme_2b";

    EXPECT_EQ(files(project),
              (std::vector<std::string>{".gitignore", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
                                        name + ".cpp", name + ".h", name + "_test.cpp", "example.toml", "plugin.cpp"}));
    EXPECT_NE(read_file(project / "CMakeLists.txt").find("OFFERS " + kind + "/acme_2b\n"), std::string::npos);
    EXPECT_NE(read_file(project / (name + ".h")).find("class Acme2b"), std::string::npos);
    for (const std::string& file : files(project)) {
      EXPECT_FALSE(std::regex_search(read_file(project / file), placeholder)) << kind << ' ' << file;
    }
    fs::remove_all(project);
  }
}

TEST_F(PluginNew, QuotesFoldersForTheShell) {
  fs::create_directory(folder.path() / "it's mine");

  const Outcome outcome = plugin_new({"sampler", "midpoint", "--dir", "it's mine"});

  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("\n  cd 'it'\\''s mine/midpoint'\n"), std::string::npos) << outcome.out;
}

TEST_F(PluginNew, RefusesAnUnknownKind) {
  EXPECT_EQ(refusal({"lose", "acme"}),
            "error: there is no kind 'lose'; did you mean 'loss'? Kinds: dataset, teacher, student, loss, sampler\n");
}

TEST_F(PluginNew, RefusesWhatIsNoName) {
  const std::string rule =
      " cannot name a component: a name has letters from a to z, digits and '_', and begins with a letter; try ";

  EXPECT_EQ(refusal({"loss", "Acme-2b"}), "error: 'Acme-2b'" + rule + "'acme_2b'\n");
  EXPECT_EQ(refusal({"loss", "2b"}), "error: '2b'" + rule + "'my_2b'\n");
  EXPECT_EQ(refusal({"loss", "../acme"}), "error: '../acme'" + rule + "'my____acme'\n");
  EXPECT_EQ(refusal({"loss", ""}), "error: ''" + rule + "'my_'\n");
}

TEST_F(PluginNew, RefusesAWordOfCpp) {
  EXPECT_EQ(refusal({"loss", "double"}),
            "error: 'double' is a word of C++ and cannot name what is written in it; try 'my_double'\n");
}

TEST_F(PluginNew, RefusesTheNameOfAComponentThatIsThere) {
  EXPECT_EQ(refusal({"loss", "itvm"}),
            "error: there is a loss 'itvm' already, in '" TTFM_PLUGINS
            "/libttfm_loss_itvm.so', and a configuration could not tell the two apart; try 'my_itvm'\n");
  EXPECT_EQ(plugin_new({"teacher", "itvm"}).code, 0) << "a name is taken for its kind alone";
}

TEST_F(PluginNew, WritesNothingOver) {
  write_file(folder.path() / "acme/notes.txt", "mine");
  write_file(folder.path() / "file", "mine");

  EXPECT_EQ(
      refusal({"loss", "acme"}),
      "error: 'acme' is there already, and nothing is written over: choose another name, or another place by --dir\n");
  EXPECT_EQ(
      refusal({"loss", "file"}),
      "error: 'file' is there already, and nothing is written over: choose another name, or another place by --dir\n");
}

TEST_F(PluginNew, RefusesAPlaceThatIsNoFolder) {
  EXPECT_EQ(refusal({"loss", "acme", "--dir", "nowhere"}),
            "error: 'nowhere' is not a folder: make it, or name another one by --dir\n");
}

}  // namespace
}  // namespace ttfm::test
