// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include "eval/report.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>

namespace ttfm::eval {
namespace {

Results example() {
  Results results;
  results.samples = 4096;
  results.held_out = 4000;
  results.reference = ReferenceRecord{"dopri5", 1e-5, 1e-5, 79, 3.25e-6};
  results.metrics = {"rmse", "sliced_w2"};
  results.rows = {
      {.model = "floor", .values = {std::nullopt, 0.054}},
      {.model = "student",
       .sampler = "flow_map",
       .weights = "ema",
       .evaluations = 1,
       .seconds = 0.5,
       .values = {0.21234567, 0.1}},
      {.model = "teacher",
       .sampler = "heun",
       .evaluations = 64,
       .seconds = 12.25,
       .values = {std::numeric_limits<double>::quiet_NaN(), 0.0625}},
  };
  results.measures = {{"initial_velocity_error", 0.125}};
  results.notes = {"a note"};
  return results;
}

TEST(Report, TableIsAlignedText) {
  EXPECT_EQ(to_table(example()),
            "model    sampler   weights  evaluations    rmse  sliced_w2  seconds\n"
            "floor    -         -                  -       -      0.054        -\n"
            "student  flow_map  ema                1  0.2123        0.1      0.5\n"
            "teacher  heun      -                 64     nan     0.0625    12.25\n"
            "4096 samples, 4000 held-out\n"
            "reference: dopri5, tolerance 1e-05 absolute and 1e-05 relative, 79 evaluations, own error about 3.25e-06\n"
            "initial_velocity_error: 0.125\n"
            "note: a note\n");
}

TEST(Report, JsonHasNullWhereANumberIsMissingOrNotFinite) {
  EXPECT_EQ(to_json(example()), R"({
  "format": 1,
  "samples": 4096,
  "held_out": 4000,
  "reference": {
    "solver": "dopri5",
    "absolute_tolerance": 1e-05,
    "relative_tolerance": 1e-05,
    "evaluations": 79,
    "error": 3.25e-06
  },
  "rows": [
    {
      "model": "floor",
      "sampler": "",
      "weights": "",
      "evaluations": 0,
      "seconds": null,
      "metrics": {
        "rmse": null,
        "sliced_w2": 0.054
      }
    },
    {
      "model": "student",
      "sampler": "flow_map",
      "weights": "ema",
      "evaluations": 1,
      "seconds": 0.5,
      "metrics": {
        "rmse": 0.21234567,
        "sliced_w2": 0.1
      }
    },
    {
      "model": "teacher",
      "sampler": "heun",
      "weights": "",
      "evaluations": 64,
      "seconds": 12.25,
      "metrics": {
        "rmse": null,
        "sliced_w2": 0.0625
      },
      "nonfinite": [
        "rmse"
      ]
    }
  ],
  "measures": {
    "initial_velocity_error": 0.125
  },
  "notes": [
    "a note"
  ]
}
)");
}

TEST(Report, CsvHasOneLineForEachRow) {
  EXPECT_EQ(to_csv(example()),
            "model,sampler,weights,evaluations,rmse,sliced_w2,seconds\n"
            "floor,,,0,,0.054,\n"
            "student,flow_map,ema,1,0.21234567,0.1,0.5\n"
            "teacher,heun,,64,,0.0625,12.25\n");
}

TEST(Report, FilesHoldWhatTheFunctionsReturn) {
  const conformance::TemporaryFolder folder;
  const auto contents = [](const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };

  write_results(example(), folder.path() / "deep" / "eval");

  EXPECT_EQ(contents(folder.path() / "deep" / "eval" / "results.json"), to_json(example()));
  EXPECT_EQ(contents(folder.path() / "deep" / "eval" / "results.csv"), to_csv(example()));
}

TEST(Report, FolderThatCannotBeMadeIsAnError) {
  const conformance::TemporaryFolder folder;
  std::ofstream(folder.path() / "eval") << "a file";

  const std::string text = conformance::error_text([&] { write_results(example(), folder.path() / "eval" / "x"); });

  EXPECT_NE(text.find("cannot make the folder '" + (folder.path() / "eval" / "x").string() + "'"), std::string::npos);
}

TEST(Report, ValuesAreFoundByTheNameOfTheirMetric) {
  const Results results = example();

  EXPECT_EQ(value_in(results, results.rows[1], "sliced_w2"), 0.1);
  EXPECT_FALSE(value_in(results, results.rows[0], "rmse").has_value());
  EXPECT_EQ(conformance::error_text([&] { value_in(results, results.rows[0], "fid"); }),
            "the results have no metric 'fid'");
}

}  // namespace
}  // namespace ttfm::eval
