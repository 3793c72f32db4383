// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// The numbers of errors: each that the code can raise has one row in the error index, and each row is of one that it can.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace ttfm::test {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = TTFM_SOURCE;
const fs::path kTable = kSource / "framework/base/error_codes.h";

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string replaced(const std::string& text, const char* pattern, const char* with) {
  return std::regex_replace(text, std::regex(pattern), with);
}

/// Every match of `pattern` in `text`: its groups.
std::vector<std::smatch> matches(const std::string& text, const std::regex& pattern) {
  return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}

/// The table of the code: number to name.
std::map<int, std::string> raised() {
  const std::string text = text_of(kTable);
  std::map<int, std::string> names;
  for (const auto& match : matches(text, std::regex(R"((k\w+) = (\d+),)"))) {
    EXPECT_TRUE(names.emplace(std::stoi(match[2]), match[1]).second) << "E" << match[2] << " has two names";
  }
  return names;
}

/// The rows of the index, on both of its pages.
std::multiset<int> documented() {
  std::multiset<int> numbers;
  for (const char* page : {"docs/reference/errors.md", "docs/reference/configuration.md"}) {
    const std::string text = text_of(kSource / page);
    for (const auto& match : matches(text, std::regex(R"(\n\| E(\d+) \|)"))) numbers.insert(std::stoi(match[1]));
  }
  return numbers;
}

/// The sources of host and plugins without their comments, by path.
std::map<fs::path, std::string> sources() {
  std::map<fs::path, std::string> texts;
  for (const char* folder : {"framework", "plugins"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kSource / folder)) {
      const fs::path& file = entry.path();
      if ((file.extension() != ".cpp" && file.extension() != ".h") || file == kTable) continue;
      texts[fs::relative(file, kSource)] = replaced(text_of(file), R"(//[^\n]*)", "");
    }
  }
  EXPECT_GT(texts.size(), 100u);
  return texts;
}

/// What a source says of error numbers in digits, where it should use their names.
std::vector<std::string> bare_numbers(const std::string& source) {
  std::vector<std::string> found;
  for (const auto& match : matches(source, std::regex(R"("[^"\n]*\b(E1\d\d)\b)"))) found.push_back(match[1]);
  std::istringstream code(replaced(source, R"("(\\.|[^"\\\n])*")", "\"\""));
  const std::regex raises(R"(\b(Error|Problem|refuse|differs)\s*[({])"), digits(R"([,?:]\s*(1\d\d)\s*[,:)}])");
  for (std::string statement; std::getline(code, statement, ';');) {
    if (!std::regex_search(statement, raises)) continue;
    for (const auto& match : matches(statement, digits)) found.push_back(match[1]);
  }
  return found;
}

TEST(ErrorIndex, HasEachNumberOfTheCodeOnceAndNoOther) {
  std::multiset<int> expected;
  for (const auto& [number, name] : raised()) expected.insert(number);

  EXPECT_GE(expected.size(), 30u);
  EXPECT_EQ(documented(), expected);
}

TEST(ErrorIndex, HoldsOnlyWhatTheCodeRaises) {
  std::set<std::string> words;
  for (const auto& [file, text] : sources()) {
    for (const auto& match : matches(text, std::regex(R"(\bk[A-Z]\w*)"))) words.insert(match[0]);
  }

  for (const auto& [number, name] : raised()) {
    EXPECT_TRUE(words.contains(name)) << "nothing raises E" << number << ", " << name;
  }
}

TEST(ErrorIndex, NoSourceRaisesANumberInDigits) {
  for (const auto& [file, text] : sources()) {
    for (const std::string& number : bare_numbers(text)) {
      ADD_FAILURE() << file << " has " << number << "; give it a name in framework/base/error_codes.h";
    }
  }
}

TEST(ErrorIndex, ANumberInDigitsIsSeen) {
  using Found = std::vector<std::string>;
  EXPECT_EQ(bare_numbers("throw Error(ErrorKind::plugin,\n  \"a; b\" + x,\n  199);"), Found{"199"});
  EXPECT_EQ(bare_numbers("throw none ? Error(kind, text, 198) : Error(kind, text, kOther);"), Found{"198"});
  EXPECT_EQ(bare_numbers("refuse(file, 197, \"text\");"), Found{"197"});
  EXPECT_EQ(bare_numbers("print(\"E196: \" + text);"), Found{"E196"});
  EXPECT_EQ(bare_numbers("random_like(x, 101); throw Error(kind, \"more than 128, or less\");"), Found{});
}

}  // namespace
}  // namespace ttfm::test
