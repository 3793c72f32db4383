// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "config/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "framework/config/config_fixture.h"

namespace ttfm::config::test {
namespace {

constexpr std::string_view kBegin = "<!-- generated: begin -->\n";
constexpr std::string_view kEnd = "<!-- generated: end -->\n";

std::string read_page() {
  std::ifstream stream(TTFM_CONFIGURATION_PAGE, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(ConfigReference, TheCommittedPageHoldsTheHostsTables) {
  std::string page = read_page();
  const size_t begin = page.find(kBegin), end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const size_t first = begin + kBegin.size();

  if (std::getenv("TTFM_WRITE_REFERENCE")) {
    page.replace(first, end - first, host_reference_markdown());
    std::ofstream(TTFM_CONFIGURATION_PAGE, std::ios::binary) << page;
    GTEST_SKIP() << "the page was written anew";
  }
  EXPECT_EQ(page.substr(first, end - first), host_reference_markdown())
      << "run this test with TTFM_WRITE_REFERENCE=1 in the environment to write the page anew";
}

TEST(ConfigReference, ARowShowsTypeDefaultLimitsUnitAndMeaning) {
  const std::string page = host_reference_markdown();
  EXPECT_NE(
      page.find("### `[log]`\n"
                "\n"
                "How often the run reports.\n"
                "\n"
                "| key | type | default | limits | unit | meaning |\n"
                "| --- | --- | --- | --- | --- | --- |\n"
                "| `every` | integer | `50` | at least 1 |  | steps from one line of metrics.jsonl to the next |\n"
                "| `seconds` | number | `10.0` | above 0 | s | from one plain progress line to the next |\n"),
      std::string::npos)
      << page;
}

TEST(ConfigReference, EveryKnownComponentHasItsTable) {
  const std::string page = reference_markdown(FakeComponents());
  EXPECT_TRUE(page.starts_with(host_reference_markdown()));
  EXPECT_NE(page.find("\n### dataset `idx`\n"
                      "\n"
                      "From idx 1.0.0.\n"
                      "\n"
                      "| key | type | default | limits | unit | meaning |\n"
                      "| --- | --- | --- | --- | --- | --- |\n"
                      "| `path` | path | required |  |  | folder of the four files |\n"
                      "| `limit` | integer |  | at least 1 |  | samples that are used |\n"),
            std::string::npos)
      << page;
  EXPECT_NE(
      page.find("| `integrator` | `\"euler\"`, `\"heun\"`, `\"rk4\"` | `\"heun\"` |  |  | how that step is made |\n"),
      std::string::npos);
  EXPECT_NE(page.find("### loss `broken`\n\nCannot be described: "), std::string::npos);
}

}  // namespace
}  // namespace ttfm::config::test
