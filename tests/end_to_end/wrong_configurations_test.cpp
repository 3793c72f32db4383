// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The table of wrong configurations, wrong_configurations.txt, which says how it is written.
#include <gtest/gtest.h>

#include <ATen/ops/linspace.h>

#include <cctype>
#include <set>
#include <sstream>

#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/io/safetensors.h>

#include "end_to_end/program.h"

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

struct WrongConfiguration {
  std::string name;
  std::map<std::string, std::string> files;  ///< by name
  std::string command;                       ///< "ttfm run wrong.toml"
  std::string answer;                        ///< on stderr
};

/// `text` with the byte 0xe9 for each "{{e9}}".
std::string with_bytes(std::string text) {
  for (size_t at = text.find("{{"); at != std::string::npos; at = text.find("{{", at + 1)) {
    const std::string byte(1, static_cast<char>(std::stoi(text.substr(at + 2, 2), nullptr, 16)));
    text.replace(at, 6, byte);
  }
  return text;
}

std::vector<WrongConfiguration> read_table() {
  std::istringstream lines(read_file(fs::path(TTFM_END_TO_END) / "wrong_configurations.txt"));
  std::vector<WrongConfiguration> table;
  std::string file, blank;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#### ")) {
      table.push_back({line.substr(5), {{"wrong.toml", ""}}, "", ""});
      file = "wrong.toml";
      blank.clear();
    } else if (table.empty()) {
      continue;  // what the table says of itself
    } else if (!table.back().command.empty()) {
      blank += line.empty() ? "\n" : "";
      if (!line.empty()) table.back().answer += std::exchange(blank, "") + line + "\n";
    } else if (line.starts_with("$ ")) {
      table.back().command = line.substr(2);
    } else if (line.starts_with("---- ")) {
      file = line.substr(5);
    } else {
      table.back().files[file] += line + "\n";
    }
  }
  return table;
}

/// "A key is mistyped" as AKeyIsMistyped.
std::string test_name(const testing::TestParamInfo<WrongConfiguration>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param.name) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c));
    if (letter) name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = !letter;
  }
  return name;
}

std::vector<std::string> words(const std::string& command) {
  std::istringstream rest(command);
  std::vector<std::string> words;
  for (std::string word; rest >> word;) words.push_back(word);
  return words;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

/// Every file and folder below `folder`, files with their bytes.
std::set<std::string> listing(const fs::path& folder) {
  std::set<std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    all.insert(entry.path().string() + (entry.is_regular_file() ? "\n" + read_file(entry.path()) : "/"));
  }
  return all;
}

class WrongConfigurations : public testing::TestWithParam<WrongConfiguration> {
 protected:
  conformance::TemporaryFolder folder;

  void SetUp() override {
    write_file(folder.path() / "small.toml", small_config());
    io::write_safetensors(folder.path() / "images.safetensors",
                          {{"x", at::linspace(-1, 1, 8 * 63).view({8, 1, 7, 9})}});
    for (const auto& [name, text] : GetParam().files) write_file(folder.path() / name, with_bytes(text));
  }

  /// What the program said, without the names of this machine.
  std::string said(const std::string& text) const {
    return replaced(replaced(text, folder.path().string(), "/here"), TTFM_PLUGINS, "/opt/ttfm/lib/ttfm/plugins/1");
  }
};

TEST_P(WrongConfigurations, IsAnsweredAndNothingIsWritten) {
  const std::set<std::string> before = listing(folder.path());
  std::vector<std::string> arguments = words(GetParam().command);
  ASSERT_EQ(arguments.at(0), "ttfm");
  arguments.erase(arguments.begin());

  const Outcome outcome = ttfm(folder.path(), arguments, {{"XDG_DATA_HOME", "/none"}, {"TTFM_PLUGIN_PATH", ""}});

  EXPECT_EQ(said(outcome.err), with_bytes(GetParam().answer));
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(listing(folder.path()), before);
}

INSTANTIATE_TEST_SUITE_P(Table, WrongConfigurations, testing::ValuesIn(read_table()), test_name);

TEST(TableOfWrongConfigurations, IsLong) { EXPECT_GE(read_table().size(), 100u); }

}  // namespace
}  // namespace ttfm::test
