// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "run/metrics_log.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>

#include "base/append_file.h"
#include "framework/base/variable.h"
#include "framework/run/sample_checkpoint.h"

namespace ttfm::run {
namespace {

class MetricsLogTest : public testing::Test {
 protected:
  conformance::TemporaryFolder temporary;
  const std::filesystem::path path = temporary.path() / "metrics.jsonl";

  void write(const std::string& stage, int64_t step) const {
    AppendFile(path).append(metrics_line({stage, step, {{"loss", 0.5}}}) + "\n");
  }
  static std::string line(const std::string& stage, int64_t step) {
    return R"({"stage":")" + stage + R"(","step":)" + std::to_string(step) + ",\"loss\":0.5}\n";
  }
};

TEST(MetricsLine, KeepsOrderAndTypes) {
  EXPECT_EQ(metrics_line({"student", 50, {{"loss", 0.25}, {"images", int64_t{6400}}, {"device", "cpu"}}}),
            R"({"stage":"student","step":50,"loss":0.25,"images":6400,"device":"cpu"})");
}

TEST(MetricsLine, NamesNumbersThatAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(metrics_line({"student", 1, {{"loss", nan}, {"lr", 0.5}, {"gradient_norm", -inf}}}),
            R"({"stage":"student","step":1,"loss":null,"lr":0.5,"gradient_norm":null,)"
            R"("nonfinite":["loss","gradient_norm"]})");
}

TEST_F(MetricsLogTest, AppendsToWhatIsThere) {
  write("teacher", 50);
  write("student", 50);

  EXPECT_EQ(read_text(path), line("teacher", 50) + line("student", 50));
}

TEST_F(MetricsLogTest, ForgetsAtAResumeWhatWillComeAgain) {
  for (const int64_t step : {50, 100}) write("teacher", step);
  for (const int64_t step : {50, 100, 150}) write("student", step);

  rewind_metrics(path, {{"teacher"}, "student", 100});
  EXPECT_EQ(read_text(path), line("teacher", 50) + line("teacher", 100) + line("student", 50) + line("student", 100));
  rewind_metrics(path, {{}, "teacher", 50});
  EXPECT_EQ(read_text(path), line("teacher", 50));
}

TEST_F(MetricsLogTest, ForgetsAHalfLine) {
  write("student", 50);
  write_text(path, read_text(path) + R"({"stage":"student","st)");

  rewind_metrics(path, {{}, "student", 50});
  write("student", 100);
  EXPECT_EQ(read_text(path), line("student", 50) + line("student", 100));
}

TEST_F(MetricsLogTest, DropsALineWithoutItsEnd) {
  write_text(path, line("student", 50).substr(0, line("student", 50).size() - 1));  // whole but for its newline

  rewind_metrics(path, {{}, "student", 50});
  EXPECT_EQ(read_text(path), "");
}

TEST_F(MetricsLogTest, DropsForeignLinesWithAWarning) {
  write_text(path, line("student", 50) + "rubbish\n[1]\n{\"step\":1}\n" + line("student", 100));

  testing::internal::CaptureStderr();
  rewind_metrics(path, {{}, "student", 100});
  const std::string warnings = testing::internal::GetCapturedStderr();

  EXPECT_EQ(read_text(path), line("student", 50) + line("student", 100));
  for (const char* number : {"line 2 ", "line 3 ", "line 4 "}) {
    EXPECT_NE(warnings.find(number), std::string::npos) << warnings;
  }
}

TEST_F(MetricsLogTest, ALineWhoseStepIsNoCountIsForeign) {
  std::string foreign;
  for (const char* step : {"-1", "1e3", "true", "18446744073709551615"}) {
    foreign += R"({"stage":"student","step":)" + std::string(step) + "}\n";
  }
  foreign += R"({"stage":"student","step":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}\n";
  write_text(path, foreign + line("student", 50));

  testing::internal::CaptureStderr();
  rewind_metrics(path, {{}, "student", 100});
  testing::internal::GetCapturedStderr();

  EXPECT_EQ(read_text(path), line("student", 50));
}

TEST_F(MetricsLogTest, ThatIsTooLongOrNoFileIsAnError) {
  write("student", 50);
  const std::string cannot = "cannot read '" + path.string() + "': ", size = std::to_string(line("student", 50).size());
  const auto refusal = [this] {
    return conformance::error_text([this] { rewind_metrics(path, {{}, "student", 50}); });
  };
  {
    const test::Variable lowered("TTFM_MAX_METRICS_BYTES", "8");
    EXPECT_EQ(refusal(),
              cannot + "it has " + size + " bytes, and the limit is 8 (TTFM_MAX_METRICS_BYTES=" + size + " raises it)");
  }
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), cannot + "it is not a regular file");
}

TEST_F(MetricsLogTest, IsNotMissedByAResumeWithoutOne) {
  EXPECT_NO_THROW(rewind_metrics(path, {{}, "student", 50}));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace ttfm::run
